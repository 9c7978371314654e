"""Pages for people: a module a page, and what they share in `declared`, `visit`, `forms` and `render`."""
