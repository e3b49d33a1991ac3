"""Who knows whom: one file for each acquaintance between two rooms."""
