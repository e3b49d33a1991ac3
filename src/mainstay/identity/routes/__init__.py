"""The routes of this room, one file an area: parse, call, answer."""
