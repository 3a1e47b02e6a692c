"""From the log to the topic: one active relay per log, in order, none left out."""
