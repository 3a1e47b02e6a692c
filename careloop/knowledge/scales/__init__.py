"""Rating scales: what answers add up to, and how a client does over time."""
