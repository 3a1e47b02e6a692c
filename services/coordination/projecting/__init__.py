"""What makes stored sections and journal entries of the consumed events."""
