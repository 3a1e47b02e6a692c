"""What a rebuild's process writes to the process that started it: one JSON object a line."""

from dataclasses import dataclass

import msgspec

from services.coordination.rebuilding.terms import Progress, RebuildOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why it did not run, as the kernel's refusals say it."""

    slug: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One of the three."""

    progress: Progress | None = None
    outcome: RebuildOutcome | None = None
    refused: Refused | None = None

    def encode(self) -> bytes:
        return msgspec.json.encode(self) + b"\n"


parse = msgspec.json.Decoder(Line).decode
