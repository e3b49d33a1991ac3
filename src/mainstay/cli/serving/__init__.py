"""What `serve` and `dev` share: the checks before, the workers, the banner, the watch for changes."""
