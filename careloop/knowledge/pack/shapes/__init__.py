"""The shapes of the entries of the data files."""
