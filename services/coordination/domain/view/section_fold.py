"""The one fold of the care view: live, rebuilt or as known, a section is these steps over its source's events."""

from dataclasses import fields, replace
from typing import Any, TypeVar, cast

from msgspec import structs

from careloop.contracts import assessment, coordination, monitoring, notifications, prescribing
from careloop.contracts.terms import EnteredInError
from careloop.kernel.ids import FactId, PatientId
from services.coordination.domain.view import intake, medications, scales, team
from services.coordination.domain.view.care_view import CareView
from services.coordination.domain.view.dated_fact import Context, Kept, insert
from services.coordination.domain.view.sections import SECTIONS, Section, Sections
from services.coordination.domain.view.timeline import timeline
from services.coordination.domain.view.urgency import urgency

FOLD_VERSION = 1
"""Raised whenever the same events would fold to another section, or the same sections compose to another view: also
when a type is understood that was not before."""

KNOWN_TYPES: dict[str, type] = (
    assessment.TYPES | prescribing.TYPES | monitoring.TYPES | notifications.TYPES | coordination.TYPES
)
"""Every published type that the fold understands, by its name on the wire; others are journaled and leave no trace."""

AnySection = TypeVar("AnySection", bound=Section)


def evolve(section: AnySection, context: Context, event: Any) -> AnySection:
    """The section with one more event of its source. Never raises; what it does not know leaves it as it is."""
    return keep(
        section, Kept(fact=event, event_id=context.event_id, recorded_at=context.recorded_at, actor=context.actor)
    )


def keep(section: AnySection, kept: Kept[Any]) -> AnySection:
    """`evolve`, with the event already beside its context."""
    event = kept.fact
    if isinstance(event, EnteredInError):
        return _strike(section, kept)
    shelf = section.shelves.get(type(event))
    if shelf is None or _is_struck(section, getattr(event, "fact_id", None)):
        return section
    formed = structs.replace(kept, fact=shelf.form(event))
    return _with(section, **{shelf.field: insert(getattr(section, shelf.field), formed, shelf.latest)})


def _with(section: AnySection, **shelves: Any) -> AnySection:
    changed: AnySection = replace(cast(Any, section), **shelves)
    return changed


def _is_struck(section: Section, fact_id: FactId | None) -> bool:
    return fact_id is not None and any(kept.fact.fact_id == fact_id for kept in section.struck)


def _strike(section: AnySection, struck: Kept[EnteredInError]) -> AnySection:
    """Struck facts leave every shelf; the strike itself stays, so that a fact told later is struck as well."""
    wrong = struck.fact.fact_id
    standing = {
        field.name: tuple(kept for kept in getattr(section, field.name) if getattr(kept.fact, "fact_id", None) != wrong)
        for field in fields(section)
        if field.name != "struck"
    }
    return _with(section, **standing, struck=insert(section.struck, struck))


def evolve_source(sections: Sections, source: str, context: Context, event: Any) -> Sections:
    """All sections with one more event of `source`; an unknown source changes nothing."""
    if source not in SECTIONS:
        return sections
    return replace(sections, **{source: evolve(getattr(sections, source), context, event)})


def compose(patient_id: PatientId, sections: Sections) -> CareView:
    """What people read, from the sections alone: the same sections give the same view, whoever asks and whenever."""
    told, monitored = sections.assessment, sections.monitoring
    return CareView(
        patient_id=patient_id,
        identity=intake.identity(told),
        team=team.team(sections.coordination),
        diagnoses=intake.diagnoses(told),
        allergies=intake.allergies(told),
        medications=medications.medications(told, sections.prescribing),
        history=intake.history(told),
        plan=intake.plan(told),
        completion=intake.completion(told),
        scale_trends=scales.scale_trends(sections),
        open_side_effects=scales.open_side_effects(monitored),
        closed_side_effects=scales.closed_side_effects(monitored),
        risks=scales.risks(sections),
        declined_orders=medications.declined_orders(sections.prescribing),
        overrides=medications.overrides(sections.prescribing),
        unacknowledged_notices=team.unacknowledged_notices(sections.notifications),
        messages=team.messages(sections.coordination),
        doses=scales.doses(monitored),
        timeline=timeline(sections),
        urgency=urgency(sections),
    )
