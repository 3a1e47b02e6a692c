"""The shapes of the rules of refills and controlled substances."""

from careloop.knowledge.pack.shapes.entries import Sourced


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
    """Whether these may be prescribed without having seen the client in person; a rule for `drugs` goes first.

    `permitted` with `initial_days` holds for so many days of supply in all, counted from the first prescription.
    """

    schedules: tuple[str, ...] = ()
    drugs: tuple[str, ...] = ()
    permitted: bool
    initial_days: int | None = None
    action: str
