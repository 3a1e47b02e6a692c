"""A prescriber's answer to a concern about something that is taken already."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated

from careloop.contracts.prescribing import ConcernAnswerCode, OverrideReason
from careloop.contracts.terms import Role
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import InvalidInput, NotKnown, RuleViolated
from careloop.kernel.ids import FactId
from careloop.kernel.reading import Actor, Length, Licence, Named
from careloop.kernel.restating import fact
from careloop.knowledge.findings import Severity
from careloop.knowledge.local_time import day_begins
from careloop.knowledge.screening.overriding import Unfit, unfit
from services.prescribing.domain.events import ConcernAnswered, Event
from services.prescribing.domain.state import PrescriptionChart

ACTS = frozenset({ConcernAnswerCode.DOSE_CHANGED, ConcernAnswerCode.STOPPED, ConcernAnswerCode.FACT_WRONG})
"""Answers that say that something was done: the check finds it no more, or the answer was not true."""
UNTIL = frozenset({ConcernAnswerCode.PLAN, ConcernAnswerCode.MONITORING})
ACT_SHOWS_AFTER = timedelta(days=1)
ACCEPTED_FOR = timedelta(days=30)
"""How long a contraindication stays accepted."""
LONGEST = timedelta(days=366)
SECONDS = frozenset({Role.PHARMACIST, Role.PSYCHIATRIST})
"""Who may be the second clinician where a contraindication is accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerConcern(FactCommand):
    concern: Annotated[FactId, Named("concern_id")]
    answer: ConcernAnswerCode
    by_when: date | None = None
    reason: Annotated[OverrideReason | None, Named("accepted_because")] = None
    comment: str = ""
    second: Annotated[str, Length(200)] = ""
    prescriber: Actor
    credential: Licence


answered = fact(ConcernAnswered, AnswerConcern, "look_again_at", "settles")


@guarded(Guard.REPEAT, Guard.PAST, Guard.PRESCRIBER)
def answer_concern(command: AnswerConcern, chart: PrescriptionChart) -> list[Event]:
    """What a prescriber does about it; the clock of its notice stops when all that was raised with it is answered.

    Raises NotKnown for a concern that is not there or ended, RuleViolated for one that was answered, InvalidInput for
    an answer that lacks its day, its reason or its comment. A contraindication is changed, stopped, planned or wrong;
    to accept it takes a second clinician of the care team: RuleViolated `second-needed`.
    """
    standing = chart.concerns.standing(chart.struck).get(command.concern)
    if standing is None:
        raise NotKnown("concern-not-known", "There is no such concern, or it has ended.", field="concern_id")
    if chart.concerns.answer(command.concern, chart.struck) is not None:
        raise RuleViolated("concern-answered", "The concern was answered before.", field="concern_id")
    alert = standing[0].alert
    contraindicated = alert.severity == Severity.CONTRAINDICATED
    _require_fitting(command, alert.kind, chart, contraindicated=contraindicated)
    return [
        answered(
            command,
            look_again_at=_look_again_at(command, chart, contraindicated=contraindicated),
            settles=chart.concerns.settled_by(command.concern, chart.struck),
        )
    ]


def _require_fitting(command: AnswerConcern, kind: str, chart: PrescriptionChart, *, contraindicated: bool) -> None:
    answer, today = command.answer, chart.today(command.now)
    if not answer.known:
        raise InvalidInput("not-a-code", "answer is none of the codes.", field="answer")
    if answer in UNTIL and (command.by_when is None or not today <= command.by_when <= today + LONGEST):
        raise InvalidInput("by-when-required", "by_when is a day from today, at most a year ahead.", field="by_when")
    if answer is ConcernAnswerCode.PLAN and not command.comment.strip():
        raise InvalidInput("comment-required", "comment says what the plan is.", field="comment")
    if answer is ConcernAnswerCode.ACCEPTED:
        _require_reason(command, kind, today)
    if contraindicated and answer is ConcernAnswerCode.MONITORING:
        sentence = "Monitoring is no answer to a contraindication: change the dose, stop, plan, or accept it by two."
        raise RuleViolated("answer-does-not-fit", sentence, field="answer")
    if contraindicated and answer is ConcernAnswerCode.ACCEPTED:
        _require_second(command, chart)


def _require_reason(command: AnswerConcern, kind: str, today: date) -> None:
    if command.reason is None:
        raise InvalidInput("reason-required", "accepted_because is required to accept.", field="accepted_because")
    fault = unfit(kind, command.reason, command.comment, today)
    if fault is Unfit.COMMENT_REQUIRED:
        raise InvalidInput("comment-required", "comment is required with this reason.", field="comment")
    if fault is not None:
        raise InvalidInput("reason-does-not-fit", "This does not answer this kind of alert.", field="accepted_because")


def _require_second(command: AnswerConcern, chart: PrescriptionChart) -> None:
    sentence = "A contraindication is accepted by two: second names a pharmacist or psychiatrist of the care team."
    if not command.second or command.second == command.prescriber:
        raise RuleViolated("second-needed", sentence, field="second")
    held = chart.team.held(command.now, chart.struck)
    if not any(person == command.second and role in SECONDS for person, role in held):
        raise RuleViolated("second-not-in-team", sentence, field="second")


def _look_again_at(command: AnswerConcern, chart: PrescriptionChart, *, contraindicated: bool) -> datetime | None:
    """When what was answered is to be true, or to be asked again."""
    if command.answer in UNTIL and command.by_when is not None:
        return day_begins(command.by_when + timedelta(days=1), chart.zone)
    if command.answer in ACTS:
        return command.now + ACT_SHOWS_AFTER
    return command.now + ACCEPTED_FOR if contraindicated else None
