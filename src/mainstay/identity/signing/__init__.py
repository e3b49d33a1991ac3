"""Signing keys as data: how they are made, stored, loaded, and which of them signs."""
