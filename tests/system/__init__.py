"""Whole systems as real processes; a package, so that their shared system ends with the last of its tests."""
