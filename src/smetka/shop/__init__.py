"""A shop as a whole: its ledger, records and chats put together, and what is done across them."""
