"""Exchanging family tokens: at once where nothing is out of the ordinary, else with a closer look."""
