"""spec-kit: runs of workflows, and the real engine beside the model."""
