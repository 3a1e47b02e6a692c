"""The checker: judges any schedule, day by day."""
