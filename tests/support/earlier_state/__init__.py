"""What an earlier build stored and published: how it is recorded once, and laid out again for this build to serve."""
