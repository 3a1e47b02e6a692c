"""The planner: proposes a plan by the rules of the pack, or says what forbids it, or that nobody knows a way."""
