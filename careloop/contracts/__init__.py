"""The published language: what services publish for each other. One file per publishing service, owned by it."""
