"""Read by every Python process that a test starts while its reach is looked at: its lines count for that test."""

import coverage

coverage.process_startup()
