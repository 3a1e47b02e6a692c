"""The console script `careloop`: a client of the services, and the keeper of the local stack."""
