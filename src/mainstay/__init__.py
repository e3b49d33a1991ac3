"""Mainstay: declare resources as Python classes, get the backend your FastAPI app stands on."""
