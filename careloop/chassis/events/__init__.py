"""What an event looks like on disk and on the wire, and the token that names a place in the log."""
