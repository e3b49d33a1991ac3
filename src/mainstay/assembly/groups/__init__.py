"""Settings in groups: nested models, one file each, that settings.py holds by name."""
