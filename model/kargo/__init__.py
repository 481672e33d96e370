"""Kargo: how a promotion moves through the controller, as actions over small variables."""
