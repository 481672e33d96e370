"""Replays of recorded runs of the real Kargo controller."""
