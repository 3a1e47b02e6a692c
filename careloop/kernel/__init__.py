"""What every room stands on: deciders, events, ids and errors. Pure: no I/O, no clock, no randomness."""
