"""Proofs that a user can give: today, a password."""
