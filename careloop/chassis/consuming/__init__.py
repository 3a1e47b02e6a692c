"""From the topic to effects: each record once in effect, in order per patient."""
