"""The care view made again from the journal beside the one that is read, compared with it, and put in its place.

Reads go on all the while, and so does the projector: until the one transaction that turns from slot to slot nothing
of it can be seen, and a crash before that leaves nothing behind but an idle slot that the next rebuild empties.
"""
