"""The care team's rules, and the pure fold that turns published facts into the care view."""
