"""What `mainstay users` and `mainstay passwords` do with files."""
