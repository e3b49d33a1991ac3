"""The columns that an app adds to its users."""
