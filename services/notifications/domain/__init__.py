"""The rules of notices. Pure: the time, the durations and every id come with the command."""
