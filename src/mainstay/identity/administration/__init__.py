"""Users as administrators see and change them, and acting as one of them."""
