"""Our figures and our peers', measured side by side on the same servers; each module also runs alone."""
