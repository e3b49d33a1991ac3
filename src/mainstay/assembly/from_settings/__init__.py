"""Rooms that are made as the settings want them: which engine, and with which options."""
