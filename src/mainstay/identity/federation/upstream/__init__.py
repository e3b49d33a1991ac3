"""What providers say, and how far it is believed."""
