"""Kargo's control loop: Stages, their Promotions, Freight, and everything that moves them."""
