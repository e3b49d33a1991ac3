"""What proves somebody beside a password (NIST SP 800-63B calls them authenticators), and the tickets of second steps."""
