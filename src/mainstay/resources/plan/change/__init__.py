"""Statements that change rows, with everything a change brings along."""
