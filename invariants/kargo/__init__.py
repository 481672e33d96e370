"""What must hold of Kargo."""
