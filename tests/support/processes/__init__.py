"""Services and whole systems as real processes, and what runs beside them."""
