"""The path of one fact as spans of one trace: call, append, publish, apply, project, over all services it passes.

The trace is the correlation id, which every stored event and every record carries already; so nothing is stored for
it, and a process needs no word from another to know to which trace its work belongs.
"""
