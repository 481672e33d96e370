"""What an upgrade changes: `kargo-model upgrade`."""
