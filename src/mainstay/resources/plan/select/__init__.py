"""What a SELECT is made of: columns and rows as a caller may see them, orders, places, and the objects made of rows."""
