"""A service in memory or served, and who calls it."""
