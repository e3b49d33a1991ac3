"""Second factors: one's own, the second step of a sign-in, proving once more who one is."""
