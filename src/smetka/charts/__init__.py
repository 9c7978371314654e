"""Charts: one specification each in Vega-Lite's words, drawn for Telegram and for pages alike."""
