"""What all commands share: finding the app, saying things, ending."""
