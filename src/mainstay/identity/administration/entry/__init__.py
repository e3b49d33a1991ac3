"""How somebody gets into their account, or is put out of it, by whoever administers it."""
