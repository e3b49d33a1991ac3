"""What a value is called: its key, whose it is, and what it was made of."""
