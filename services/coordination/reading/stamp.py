"""Which state of the journal is shown."""

from dataclasses import dataclass
from datetime import datetime

from services.coordination.domain.view.section_fold import FOLD_VERSION
from services.coordination.domain.view.sections import Sections


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Which state of the journal a view shows: the patient's last entry in it, that entry's time, the fold."""

    journal_position: int
    known_at: datetime
    fold_version: int = FOLD_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class StampedSections:
    """All sections of one patient as of one state of the journal."""

    sections: Sections
    stamp: Stamp
