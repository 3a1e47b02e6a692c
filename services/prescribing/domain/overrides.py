"""A prescriber's coded answers to what the safety check found."""

from careloop.contracts.prescribing import Override
from careloop.knowledge.findings import Alert, Check, NotChecked, Screening


def answers(overrides: tuple[Override, ...], screening: Screening) -> tuple[Override, ...]:
    """The overrides that answer something this check found; others are not part of the decision."""
    gaps = {rule_of_gap(missing) for missing in screening.not_checked}
    return tuple(
        override
        for override in overrides
        if override.rule in gaps or any(_answers_to(override, alert, screening) for alert in screening.alerts)
    )


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
