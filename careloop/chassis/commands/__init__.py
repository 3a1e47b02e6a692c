"""Load, decide, append: how an application writes."""
