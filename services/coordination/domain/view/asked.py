"""Whether somebody asked, which a list alone cannot say."""

from enum import IntEnum


class Asked(IntEnum):
    """Whether a question was put and what came of it: never asked is not the same as none."""

    NOT_ASKED = 1
    NONE_KNOWN = 2
    LISTED = 3
