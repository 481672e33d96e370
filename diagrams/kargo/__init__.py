"""Pictures of Kargo's own things."""
