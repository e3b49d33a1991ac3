"""What each room holds about a person: told to them when they ask, and given up when they go."""
