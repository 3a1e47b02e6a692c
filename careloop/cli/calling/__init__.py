"""How the console calls the services: where they answer, as whom, and how long it waits."""
