"""Where a request says which tenant it is for: one place a file."""
