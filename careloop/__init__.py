"""Careloop: event-sourced care coordination for medication management."""
