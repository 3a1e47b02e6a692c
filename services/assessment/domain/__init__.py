"""The rules of the initial assessment. Pure: the time and every id come with the command."""
