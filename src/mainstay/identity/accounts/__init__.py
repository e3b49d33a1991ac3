"""Users: who they are, how they come to be, and how they are shut out."""
