"""What becomes true by time alone: rows written beside the events that cause them, and who takes them up."""
