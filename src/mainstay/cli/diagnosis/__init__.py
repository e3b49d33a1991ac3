"""What `mainstay doctor` looks at."""
