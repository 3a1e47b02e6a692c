"""What `careloop check` looks at: each module asks one thing around the services and says what it found."""
