"""What proves somebody beside a password (authenticators, NIST SP 800-63B says), and the tickets of second steps."""
