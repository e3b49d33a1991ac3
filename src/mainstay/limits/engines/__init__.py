"""Where shared budgets are kept."""
