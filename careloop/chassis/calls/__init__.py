"""gRPC: who calls, what is let in, how a message is read, and how a refusal looks."""
