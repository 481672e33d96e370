"""What must hold of sessions, and the systems that are checked by name."""
