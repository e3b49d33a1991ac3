"""Sessions: signing in, refreshing, signing out, and whether one still stands."""
