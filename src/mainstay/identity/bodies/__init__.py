"""What the routes of this room read and answer, exactly: nothing undeclared is accepted. One file an area."""
