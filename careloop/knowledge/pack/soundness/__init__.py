"""What the data files must say to make sense, beyond their shape."""
