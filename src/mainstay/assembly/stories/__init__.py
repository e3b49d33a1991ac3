"""Flows that span rooms, one a file."""
