"""The rules of monitoring: pure."""
