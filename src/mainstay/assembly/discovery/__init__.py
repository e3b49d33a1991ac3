"""What a client app may find out before it asks for rows."""
