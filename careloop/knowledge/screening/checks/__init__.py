"""One module per safety check: each says what it found, and what it could not look at."""
