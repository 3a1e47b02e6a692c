"""Where a resource was found, and under which base its references are resolved."""

import re
from dataclasses import dataclass

_RESTFUL = re.compile(r"(https?://.+)/[A-Z][A-Za-z]+/[A-Za-z0-9.\-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Origin:
    """The file, the entry or line in it counted from 1 (0 for the file as a whole), and the entry's fullUrl."""

    file: str = ""
    number: int = 0
    full_url: str = ""

    @property
    def root(self) -> str:
        """The server's base that a RESTful fullUrl names; else empty."""
        found = _RESTFUL.fullmatch(self.full_url)
        return found[1] if found else ""

    @property
    def place(self) -> str:
        return f"{self.file}:{self.number}" if self.number else self.file
