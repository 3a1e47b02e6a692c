"""Plumbing shared by the five services. No clinical noun stands here."""
