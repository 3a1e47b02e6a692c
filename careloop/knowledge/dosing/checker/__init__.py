"""The checker: judges any schedule, whoever wrote it, day by day."""
