"""Somebody always leads: each tenant keeps an administrator, and the system an operator."""
