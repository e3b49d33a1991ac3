"""Optional libraries, each imported in one file."""
