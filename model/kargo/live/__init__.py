"""Live objects of a cluster with Kargo in it, as `kubectl get -o yaml` prints them, as values."""
