"""Queries turned into plans once: SQL text, binders and a serialiser, kept by shape and never by value."""
