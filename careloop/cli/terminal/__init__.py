"""What a person sees and types: tables, progress, JSON."""
