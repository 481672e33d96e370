"""What will become of a cluster whose live objects are given."""
