"""Routes for administrators: users, programs, acting as somebody."""
