"""What is due while drugs are taken, and what results and gaps ask for."""
