"""Whose session a token or a cookie opens that nobody remembers."""
