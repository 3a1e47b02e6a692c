"""The ways out: files in a folder, or an SMTP server."""
