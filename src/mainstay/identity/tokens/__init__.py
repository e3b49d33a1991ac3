"""Tokens: how they are spelled, signed, read, remembered and revoked."""
