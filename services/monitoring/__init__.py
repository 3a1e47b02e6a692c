"""Monitoring decides what happens between visits: how urgent a side effect is, what a scale says, which doses count.

It listens to prescribing and assessment, because red flags depend on the medicines the client takes.
A report is never refused for being late or incomplete; it is triaged on what is known.
"""
