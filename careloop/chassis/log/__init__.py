"""The event log of one service: what is stored, on PostgreSQL and in memory, and how a lost answer is found out."""
