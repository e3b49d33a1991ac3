"""The pages of whoever is signed in: their account, how it is entered, its keys and data."""
