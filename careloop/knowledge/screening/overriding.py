"""Which coded reasons answer which kind of alert, as the pack says."""

from datetime import date
from enum import StrEnum

from careloop.knowledge.pack.pack import Pack, current_pack
from careloop.knowledge.pack.shapes.screening import OverrideRule

NOT_CHECKED, INCOMPLETE, ABRUPT_STOP = "not-checked", "assessment-incomplete", "abrupt-stop"
"""What may be answered besides an alert of the safety check, whose kind is its check."""


class Unfit(StrEnum):
    """Why an answer does not count."""

    REASON_DOES_NOT_FIT = "reason-does-not-fit"
    COMMENT_REQUIRED = "comment-required"


def unfit(answers: str, reason: str, comment: str, on: date, pack: Pack | None = None) -> Unfit | None:
    """Why the reason does not answer this kind; None where it does. A pack without rules lets every reason stand."""
    pack = pack or current_pack()
    rules = [rule for rule in pack.entries(OverrideRule) if rule.answers == answers and rule.in_force(on)]
    for rule in rules:
        if reason not in rule.reasons:
            return Unfit.REASON_DOES_NOT_FIT
        if reason in rule.with_comment and not comment.strip():
            return Unfit.COMMENT_REQUIRED
    return None
