"""What users are to the app: its own columns, preferences, a picture."""
