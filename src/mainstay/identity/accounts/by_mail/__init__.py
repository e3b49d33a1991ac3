"""What is proved by reading a letter: an address, and with it who somebody is."""
