"""Tests of the whole system, as real processes. A package, so that the system they share ends with them."""
