"""Invented histories: events, records and resources that tests speak."""
