"""How long a supply lasts, when a refill may follow, and how much of a period was covered."""
