"""Running and replaying Kargo's control loop."""
