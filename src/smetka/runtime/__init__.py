"""The processes of a running shop: the parent, its children, and what looks after them."""
