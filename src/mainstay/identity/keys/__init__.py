"""Signing keys: one ring for every worker, sealed in the database."""
