"""A prescriber's coded answers to what the safety check found, and to what an order lacks."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from careloop.contracts.prescribing import Override, RefusedOverride
from careloop.kernel.restating import restating
from careloop.knowledge.findings import Alert, Check, NotChecked, Screening
from careloop.knowledge.screening.overriding import INCOMPLETE, NOT_CHECKED, unfit


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The overrides that count, and those that answer something with a reason that does not fit or says too little."""

    counting: tuple[Override, ...]
    refused: tuple[RefusedOverride, ...]


refused = restating(RefusedOverride, Override, "why")


def weigh(overrides: tuple[Override, ...], screening: Screening, *, incomplete: bool, on: date) -> Answers:
    """Of the overrides those that answer something that was found; others are not part of the decision.

    `incomplete`: an order before the initial assessment is complete.
    """
    counting, not_counting = [], []
    for override in overrides:
        kinds = set(_answered_by(override, screening, incomplete=incomplete))
        faults = [fault for kind in sorted(kinds) if (fault := _fault(override, kind, on)) is not None]
        if faults:
            not_counting.append(refused(override, why=str(faults[0])))
        elif kinds:
            counting.append(override)
    return Answers(counting=tuple(counting), refused=tuple(not_counting))


def _fault(override: Override, kind: str, on: date) -> str | None:
    return unfit(kind, override.reason, override.comment, on)


def _answered_by(override: Override, screening: Screening, *, incomplete: bool) -> Iterator[str]:
    """The kinds of what the override is an answer to."""
    if override.rule in {rule_of_gap(missing) for missing in screening.not_checked}:
        yield NOT_CHECKED
    if incomplete and override.rule == INCOMPLETE:
        yield INCOMPLETE
    yield from (str(alert.kind) for alert in screening.alerts if _answers_to(override, alert, screening))


def is_answered(alert: Alert, overrides: tuple[Override, ...], screening: Screening) -> bool:
    """Whether one of the overrides answers this alert."""
    return any(_answers_to(override, alert, screening) for override in overrides)


def _answers_to(override: Override, alert: Alert, screening: Screening) -> bool:
    """An override names the medicines it is about; it may leave them out only where the rule found one thing."""
    if override.rule != alert.rule:
        return False
    alone = sum(other.rule == alert.rule for other in screening.alerts) == 1
    return set(override.involves) == set(alert.involves) or (alone and not override.involves)


def rule_of_gap(missing: NotChecked) -> str:
    """The rule that an override names to answer something that was not checked."""
    return f"not-checked:{Check(missing.check)}"
