"""Judging manifests before they are applied: `kargo-model lint`."""
