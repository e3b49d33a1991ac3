"""Traces: what comes in with a request (W3C Trace Context)."""
