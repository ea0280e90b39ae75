"""holopose."""
