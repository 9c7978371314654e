"""Customers due a bonus: the rule, and their records."""
