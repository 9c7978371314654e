"""A ledger moved to another database: in batches, resumable, and verified at the end."""
