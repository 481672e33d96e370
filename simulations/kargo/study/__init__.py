"""Studies: what a template costs in time and work under a failure policy, with chance on the model's own rules."""
