"""Lists of codes that may grow: a code of a later build is kept as it came, and is no reason to stop reading."""

from enum import StrEnum
from typing import Self


class OpenCodes(StrEnum):
    """A list of codes to which later builds may add.

    A text that is none of them is read as a code of its own that is not `known`; it is written again as it came. Who
    decides by such a code says what an unknown one means: never less urgent than the most urgent one that is known.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        code = str.__new__(cls, value)
        code._name_, code._value_ = "UNKNOWN", value
        return code

    @property
    def known(self) -> bool:
        """Whether this build knows the code."""
        return self.value in type(self)._value2member_map_
