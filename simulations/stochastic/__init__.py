"""Chance and time on the rules of a model: sampled over many runs at once, or enumerated for exact values."""
