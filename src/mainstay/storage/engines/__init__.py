"""The databases Mainstay runs on, one folder each, behind one port (`storage/ports.py`)."""
