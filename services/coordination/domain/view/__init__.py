"""The care view: each shape that people read beside the function that composes it of the sections' facts."""
