"""How soon somebody must look at what was reported or written, as monitoring stores it."""

from datetime import datetime

from careloop.contracts.monitoring import ReporterKind
from careloop.contracts.terms import Triage, TriageLevel
from careloop.kernel.reading import Call
from careloop.knowledge.urgency import triage as knowledge
from services.monitoring.domain.state import Watch


def reporter_of(call: Call) -> ReporterKind:
    return ReporterKind.CLIENT if call.role == "client" else ReporterKind.CLINICIAN


def stored(found: knowledge.Triage, now: datetime) -> Triage:
    """The triage with its clock, which starts when it became known."""
    return Triage(
        level=TriageLevel(found.level),
        rule=found.rule,
        rule_version=found.version,
        red_flags=found.red_flags,
        due_at=None if found.within is None else now + found.within,
    )


def names_taken(watch: Watch, at: datetime) -> tuple[str, ...] | None:
    """The names of the medicines that may act; None while nobody knows."""
    taken = watch.taken_on(at.date())
    return None if taken is None else tuple(medicine.name for medicine in taken)
