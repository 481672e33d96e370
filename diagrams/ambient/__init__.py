"""Pictures of Ambient's own things."""
