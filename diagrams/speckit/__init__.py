"""What people look at of spec-kit: comparisons, runs, scenarios."""
