"""Named examples of every event and command, with fixed times and ids; one module per service."""
