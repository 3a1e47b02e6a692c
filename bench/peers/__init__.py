"""The measured processes of our peers; they run in an environment of their own and use bench.protocol only."""
