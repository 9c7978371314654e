"""Statistics over the ledger: totals, age groups and averages."""
