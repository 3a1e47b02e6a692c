"""`careloop demo`: the main job on generated patients with real servers, ended by a verdict that trusts no service."""
