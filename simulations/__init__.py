"""Runs: of a user's own templates, of reported bugs, of recordings of the real controller."""
