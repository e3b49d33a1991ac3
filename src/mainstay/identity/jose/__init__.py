"""What is read of tokens and keys that come from outside, and how strictly; nothing here knows of users."""
