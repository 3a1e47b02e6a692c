"""The safety check of an order against a chart."""
