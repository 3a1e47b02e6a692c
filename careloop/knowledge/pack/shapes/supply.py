"""The shapes of the rules of refills and controlled substances."""

from datetime import date

from careloop.knowledge.pack.shapes.entries import Entry, Sourced


class RefillRule(Sourced, frozen=True, kw_only=True):
    """When a payer covers the next fill: after so much of the last one is used, or so many days before its end.

    `payer` empty: every payer. `schedules` empty: any drug, else those of these schedules.
    """

    payer: str = ""
    schedules: tuple[str, ...] = ()
    used_percent: int | None = None
    days_early: int | None = None
    action: str


class PrescriptionRule(Sourced, frozen=True, kw_only=True):
    """How often and how long one prescription of these schedules may be filled again; None is as authorized."""

    schedules: tuple[str, ...]
    refills: int | None = None
    valid_months: int | None = None
    series_days: int | None = None
    action: str


class TelehealthRule(Sourced, frozen=True, kw_only=True):
    """Whether these may be prescribed without having seen the client in person; what any rule permits is permitted.

    `permitted` with `initial_months` holds until so many calendar months after the first prescription, with
    `indications` (conditions) only where the client has one of them. A rule with `follows` holds from the day after the
    end of the rule of that id: the end of a rule is said once. Packs before 1.3 count `initial_days`.
    """

    schedules: tuple[str, ...] = ()
    drugs: tuple[str, ...] = ()
    indications: tuple[str, ...] = ()
    permitted: bool
    initial_months: int | None = None
    initial_days: int | None = None
    follows: str = ""
    action: str


class LegalDate(Entry, frozen=True, kw_only=True):
    """The last day of a legal rule as a programme moved it, by whom and after which document; None is no end.

    It is in no pack: an operator adds the file.
    """

    rule: str
    effective_to: date | None
    citation: str
    set_by: str
