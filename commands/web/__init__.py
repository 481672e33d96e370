"""The explorer: a small server for a browser on the same machine."""
