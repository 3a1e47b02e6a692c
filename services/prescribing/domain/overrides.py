"""A prescriber's coded answers to what the safety check found."""

from careloop.contracts.prescribing import Override, OverrideReason
from careloop.knowledge.findings import Alert, Check, NotChecked, Screening

INCOMPLETE = "assessment-incomplete"
"""The rule that an override names to go on before the initial assessment is complete."""
BEFORE_COMPLETION = frozenset({OverrideReason.CONTINUATION, OverrideReason.URGENT_NEED, OverrideReason.BRIDGE})
"""The reasons that may be given for that."""


def answers(overrides: tuple[Override, ...], screening: Screening, *, incomplete: bool) -> tuple[Override, ...]:
    """The overrides that answer something that was found; others are not part of the decision. `incomplete`: an order
    before the initial assessment is complete."""
    gaps = {rule_of_gap(missing) for missing in screening.not_checked}
    return tuple(
        override
        for override in overrides
        if override.rule in gaps
        or (incomplete and goes_on_incomplete(override))
        or any(_answers_to(override, alert, screening) for alert in screening.alerts)
    )


def goes_on_incomplete(override: Override) -> bool:
    """Whether it is an answer to an assessment that is not complete, with a reason that counts for that."""
    return override.rule == INCOMPLETE and override.reason in BEFORE_COMPLETION


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
