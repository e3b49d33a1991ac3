"""How a value comes to be: found, joined or computed, and what is void meanwhile."""
