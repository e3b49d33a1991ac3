"""Log lines of the whole process: their form, their levels, where they go, and what they may not say."""
