"""The chains: how an entry is hashed, appended, sealed, pruned and proved."""
