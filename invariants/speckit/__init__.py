"""What must hold of spec-kit's workflow engine, and the systems on which it is judged."""
