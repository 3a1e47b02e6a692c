"""Proxies between a process and a server, and how they read what passes."""
