"""What people look at: texts, tables and pictures."""
