"""spec-kit: its workflow engine, as far as it decides what runs, what is recorded, and what a failure does."""
