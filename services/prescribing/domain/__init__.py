"""The rules of prescribing: pure."""
