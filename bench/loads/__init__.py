"""The measured processes that stand on Careloop's own code, or on nothing but PostgreSQL's client."""
