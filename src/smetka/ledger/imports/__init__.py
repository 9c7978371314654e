"""What a shop exports, read into a ledger in the brief's schema."""
