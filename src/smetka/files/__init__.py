"""What lies on disk: folders and files that are their owner's alone, and those that spreadsheets open."""
