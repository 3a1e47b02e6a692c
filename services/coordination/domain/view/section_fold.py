"""The one fold of the care view: live, rebuilt or as known, a section is these steps over its source's events."""

from dataclasses import fields, replace
from typing import Any, TypeVar, cast

from msgspec import structs

from careloop.contracts import assessment, coordination, monitoring, notifications, prescribing
from careloop.contracts.terms import EnteredInError
from careloop.kernel.ids import FactId
from services.coordination.domain.view.dated_fact import DatedFact, EventContext, insert
from services.coordination.domain.view.sections import SECTIONS, Section, Sections

FOLD_VERSION = 9
"""Raised whenever the same events would fold to another section, or the same sections compose to another view: also
when a type is understood that was not before. Since 7 a section's state is stored apart from its head."""

KNOWN_TYPES: dict[str, type] = (
    assessment.TYPES | prescribing.TYPES | monitoring.TYPES | notifications.TYPES | coordination.TYPES
)
"""Every published type that the fold understands, by its name on the wire; others are journaled and leave no trace."""

AnySection = TypeVar("AnySection", bound=Section)


def evolve(section: AnySection, context: EventContext, event: Any) -> AnySection:
    """The section with one more event of its source. Never raises; what it does not know leaves it as it is."""
    return add(
        section, DatedFact(fact=event, event_id=context.event_id, recorded_at=context.recorded_at, actor=context.actor)
    )


def add(section: AnySection, dated: DatedFact[Any]) -> AnySection:
    """`evolve`, with the event already beside its context."""
    event = dated.fact
    if isinstance(event, EnteredInError):
        return _strike(section, dated)
    shelf = section.shelves.get(type(event))
    if shelf is None or _is_struck(section, getattr(event, "fact_id", None)):
        return section
    formed = structs.replace(dated, fact=shelf.form(event))
    return _with(section, **{shelf.field: insert(getattr(section, shelf.field), formed, shelf.latest)})


def _with(section: AnySection, **shelves: Any) -> AnySection:
    changed: AnySection = replace(cast(Any, section), **shelves)
    return changed


def _is_struck(section: Section, fact_id: FactId | None) -> bool:
    return fact_id is not None and any(dated.fact.fact_id == fact_id for dated in section.struck)


def _strike(section: AnySection, struck: DatedFact[EnteredInError]) -> AnySection:
    """Struck facts leave every shelf; the strike itself stays, so that a fact that comes later is struck as well."""
    wrong = struck.fact.fact_id
    standing = {
        field.name: tuple(
            dated for dated in getattr(section, field.name) if getattr(dated.fact, "fact_id", None) != wrong
        )
        for field in fields(section)
        if field.name != "struck"
    }
    return _with(section, **standing, struck=insert(section.struck, struck))


def evolve_source(sections: Sections, source: str, context: EventContext, event: Any) -> Sections:
    """All sections with one more event of `source`; an unknown source changes nothing."""
    if source not in SECTIONS:
        return sections
    return replace(sections, **{source: evolve(getattr(sections, source), context, event)})
