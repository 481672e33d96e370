"""Pages for a browser: the report, what one can step through in it, and what it shares with the explorer."""
