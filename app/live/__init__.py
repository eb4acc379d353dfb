"""Live updates: one feed reads what was committed and tells every subscriber."""
