"""The published language: what services tell each other. One file per publishing service, owned by it."""
