"""Stories of sessions, reported bugs, and proposals judged."""
