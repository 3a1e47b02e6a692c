"""What a check run again answers otherwise than it did: alerts that would now be raised, and that no longer would."""

from collections.abc import Sequence
from dataclasses import dataclass

from careloop.knowledge.findings import Alert, Check, NotChecked, Screening


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFinding:
    """One finding that differs: another severity, version or wording."""

    before: Alert
    after: Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Rechecked:
    """Alerts are the same when kind, rule and drugs are."""

    now_alerts: tuple[Alert, ...]
    no_longer_alerts: tuple[Alert, ...]
    changed_alerts: tuple[ChangedFinding, ...]
    now_not_checked: tuple[NotChecked, ...]
    no_longer_not_checked: tuple[NotChecked, ...]

    @property
    def same(self) -> bool:
        """Whether nothing is answered otherwise."""
        alerts = (self.now_alerts, self.no_longer_alerts, self.changed_alerts)
        return not any((*alerts, self.now_not_checked, self.no_longer_not_checked))


def rechecked(before: Screening, after: Screening) -> Rechecked:
    """Each list worst first, as the answers have it."""
    then, now = _by_finding(before.alerts), _by_finding(after.alerts)
    return Rechecked(
        now_alerts=tuple(alert for finding, alert in now.items() if finding not in then),
        no_longer_alerts=tuple(alert for finding, alert in then.items() if finding not in now),
        changed_alerts=tuple(
            ChangedFinding(before=alert, after=now[finding])
            for finding, alert in then.items()
            if now.get(finding, alert) != alert
        ),
        now_not_checked=tuple(gap for gap in after.not_checked if gap not in before.not_checked),
        no_longer_not_checked=tuple(gap for gap in before.not_checked if gap not in after.not_checked),
    )


Finding = tuple[Check, str, frozenset[str], int]


def _by_finding(alerts: Sequence[Alert]) -> dict[Finding, Alert]:
    """A rule that finds two things about the same drugs is identified by their order."""
    found: dict[Finding, Alert] = {}
    for alert in alerts:
        what = (alert.kind, alert.rule, frozenset(alert.involves))
        found[*what, sum(known[:3] == what for known in found)] = alert
    return found
