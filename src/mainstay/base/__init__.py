"""Words that every floor shares: errors, actors, tenants, events, time. Standard library only, and no I/O."""
