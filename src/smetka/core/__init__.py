"""What everything else speaks in: money, years, errors and texts. It imports nothing of ours but itself."""
