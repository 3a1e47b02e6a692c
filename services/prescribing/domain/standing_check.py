"""Whenever something that the safety check reads changes, what is taken already is held against it again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from careloop.contracts.assessment import EndReason
from careloop.contracts.prescribing import Alert, CheckCapsule, Concern, ConcernCause, ConcernEnding
from careloop.kernel.decisions import guarded
from careloop.kernel.ids import FactId, derived_id
from careloop.kernel.restating import restating
from careloop.knowledge import findings
from careloop.knowledge.pack.pack import Pack, current_pack
from services.prescribing.domain.concerns import Key, key_of
from services.prescribing.domain.discontinuing import abrupt_stop_alert
from services.prescribing.domain.events import ConcernEnded, ConcernsRaised, DoseChanged, Event, PrescriptionIssued
from services.prescribing.domain.readings.numbered import LATEST, reading_of
from services.prescribing.domain.readings.reading import Reading
from services.prescribing.domain.standing import (
    Found,
    active,
    found_in,
    is_accepted_there,
    published_alert,
    rank,
)
from services.prescribing.domain.state import PrescriptionChart


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckCause:
    """Why the check is made: what happened, and the fact that it happened to. Of a birthday and a pack it is the
    client."""

    cause: ConcernCause
    fact: FactId


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStanding:
    """`at` is when the cause became known: what is raised became true then."""

    because: CheckCause
    at: datetime
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Checking:
    """One check: why, when that became known, the client's day, and how the chart is read."""

    because: CheckCause
    at: datetime
    as_of: date
    reading: Reading


THE_CLIENT = FactId(UUID(int=0))
"""Stands for the client where none is named: a pack is about no fact."""
concern_of = restating(Concern, Found, "concern", "if_stopped")


@guarded()
def check_standing(command: CheckStanding, chart: PrescriptionChart) -> list[Event]:
    """One event of all that the check finds with the cause and not without it, and the end of what it finds no more.

    Left out is what a prescriber accepted there already, and what is raised and stands, unless it is worse now.
    Nothing where nothing is new, and nothing but ends where the cause was struck meanwhile, and of a client who died or
    whose care ended and of whom nothing new became known.
    """
    fact_id = raised_id(command)
    if chart.knows(fact_id):
        return []
    checking = Checking(because=command.because, at=command.at, as_of=chart.today(command.now), reading=LATEST)
    found = found_in(chart, checking.as_of, LATEST)
    new = [] if _asks_nobody(command.because, chart) else raised_by(checking, chart, found)
    raised = ConcernsRaised(
        fact_id=fact_id,
        cause=command.because.cause,
        caused_by=command.because.fact,
        concerns=tuple(_concern(one, fact_id, chart, checking.as_of) for one in new),
        capsule=_capsule(chart, checking),
        occurred_at=command.at,
    )
    return [*([raised] if new else []), *_ended(checking, chart, found, {key_of(one.alert) for one in new})]


def _asks_nobody(because: CheckCause, chart: PrescriptionChart) -> bool:
    end = chart.ended
    of_time = because.cause in (ConcernCause.BIRTHDAY, ConcernCause.PACK)
    return end is not None and (of_time or end.reason is EndReason.DECEASED)


def _concern(one: Found, raised: FactId, chart: PrescriptionChart, as_of: date) -> Concern:
    named = FactId(derived_id("prescribing", "concern", raised, one.alert.rule, *sorted(one.alert.involves)))
    return concern_of(one, concern=named, if_stopped=if_stopped(one, chart, as_of))


def raised_id(command: CheckStanding) -> FactId:
    because = command.because
    return FactId(derived_id("prescribing", "concerns", because.cause, because.fact, command.at.isoformat()))


def if_stopped(one: Found, chart: PrescriptionChart, as_of: date) -> str:
    """What the pack says of stopping this prescription now, from one day to the next."""
    issued = chart.prescription(one.prescription) if one.prescription is not None else None
    alert = abrupt_stop_alert(issued, chart, as_of) if issued is not None and issued.order.starts_on <= as_of else None
    return "" if alert is None else f"Do not tell the client to stop at once: {alert.message} {alert.action}"


def raised_by(checking: Checking, chart: PrescriptionChart, found: dict[Key, Found]) -> list[Found]:
    """What is new by this cause, the gravest first."""
    because = checking.because
    standing = {key_of(one.alert): one.alert for one, _by in chart.concerns.standing(chart.struck).values()}
    without_it = {key: one.alert for key, one in _before(checking, chart).items()}
    new = [
        one
        for key, one in found.items()
        if _is_over(because, key, chart)
        or (
            because.cause is not ConcernCause.ANSWER
            and _is_worse(one, without_it.get(key))
            and _is_worse(one, standing.get(key))
            and not is_accepted_there(one, chart)
        )
    ]
    return sorted(new, key=lambda one: (rank(one.alert), one.alert.rule, one.alert.involves))


def _is_worse(one: Found, than: Alert | None) -> bool:
    """Also than nothing."""
    return than is None or rank(one.alert) < rank(than)


def _is_over(because: CheckCause, key: Key, chart: PrescriptionChart) -> bool:
    """Whether the cause is an answer to this very concern, the time of which is over."""
    if because.cause is not ConcernCause.ANSWER:
        return False
    answer = next((one for one in chart.concerns.answers if one.fact_id == because.fact), None)
    if answer is None or answer.fact_id in chart.struck:
        return False
    standing = chart.concerns.standing(chart.struck).get(answer.concern)
    last = chart.concerns.answer(answer.concern, chart.struck)
    return standing is not None and key_of(standing[0].alert) == key and last == answer


def _before(checking: Checking, chart: PrescriptionChart) -> dict[Key, Found]:
    """What the check would find without the cause, on the same day and by the same pack; and what a prescriber saw who
    ordered, or changed a dose, after that was recorded: it may be noted here later."""
    because, at, as_of, reading = checking.because, checking.at, checking.as_of, checking.reading
    ever = because.cause is ConcernCause.PACK or _resumed(because, chart)
    seen = _decided_on(chart, as_of, since=None if ever else at)
    if ever:
        return seen
    match because.cause:
        case ConcernCause.ANSWER:
            return seen
        case ConcernCause.BIRTHDAY:
            return found_in(chart, at.date() - timedelta(days=1), reading) | seen  # the eve, whenever it is taken up
    return found_in(without(because, chart), as_of, reading) | seen


def _resumed(because: CheckCause, chart: PrescriptionChart) -> bool:
    """Whether care goes on with it that had ended: nobody was asked about what came to be in the meantime."""
    match because.cause:
        case ConcernCause.STRIKE:
            return because.fact in {one.fact_id for one in chart.episodes.ends}
        case ConcernCause.FACT:
            return because.fact in {one.fact_id for one in chart.episodes.begun}
    return False


def _decided_on(chart: PrescriptionChart, as_of: date, *, since: datetime | None) -> dict[Key, Found]:
    """The alerts of decisions on the medicines that are taken, since that moment or ever."""
    return {
        key_of(one.alert): one
        for issued in active(chart, as_of)
        for decided in _decisions(issued, chart)
        if since is None or decided.occurred_at >= since
        for one in _seen(issued, decided.capsule.screening.alerts)
    }


def _decisions(issued: PrescriptionIssued, chart: PrescriptionChart) -> list[PrescriptionIssued | DoseChanged]:
    return [issued, *chart.standing_changes(issued.fact_id)]


def _seen(issued: PrescriptionIssued, alerts: Iterable[findings.Alert]) -> Iterator[Found]:
    for alert in alerts:
        yield Found(prescription=issued.fact_id, medicine=issued.order.medicine, alert=published_alert(alert))


def without(because: CheckCause, chart: PrescriptionChart) -> PrescriptionChart:
    """The chart as it would be had this not happened."""
    fact = because.fact
    match because.cause:
        case ConcernCause.STRIKE:
            return replace(chart, struck=chart.struck - {fact})
        case ConcernCause.IMPORT:
            first = next((n for n, one in enumerate(chart.facts) if one.fact_id == fact), len(chart.facts))
            return replace(chart, facts=chart.facts[:first])
    return replace(
        chart,
        facts=tuple(one for one in chart.facts if one.fact_id != fact),
        prescriptions=tuple(one for one in chart.prescriptions if one.fact_id != fact),
        dose_changes=tuple(one for one in chart.dose_changes if one.fact_id != fact),
        discontinued=tuple(one for one in chart.discontinued if one.fact_id != fact),
    )


def _capsule(chart: PrescriptionChart, checking: Checking) -> CheckCapsule:
    knowledge = current_pack().reference
    return CheckCapsule(
        knowledge_pack=knowledge.pack,
        knowledge_version=knowledge.version,
        knowledge_digest=knowledge.digest,
        stream_version=chart.version,
        as_of=checking.as_of,
        reading=checking.reading.number,
    )


def _ended(checking: Checking, chart: PrescriptionChart, found: dict[Key, Found], again: set[Key]) -> list[Event]:
    """The end of each that stands and is not found any more, or that is raised again."""
    ends: list[Event] = []
    closed: list[FactId] = []
    for concern, (one, by) in chart.concerns.standing(chart.struck).items():
        key = key_of(one.alert)
        if key in found and key not in again:
            continue
        ends.append(
            ConcernEnded(
                fact_id=FactId(derived_id("prescribing", "concern-ended", concern)),
                concern=concern,
                because=ConcernEnding.RAISED_AGAIN if key in again else _why(one, by, chart, checking.as_of),
                settles=chart.concerns.settled_by(concern, chart.struck, closed),
                occurred_at=checking.at,
            )
        )
        closed.append(concern)
    return ends


def _why(one: Concern, by: ConcernsRaised, chart: PrescriptionChart, as_of: date) -> ConcernEnding:
    if by.caused_by in chart.struck:
        return ConcernEnding.FACT_STRUCK
    taken = {issued.fact_id for issued in active(chart, as_of)}
    if one.prescription is not None and one.prescription not in taken:
        return ConcernEnding.DRUG_STOPPED
    return ConcernEnding.NOT_FOUND


def would_raise(chart: PrescriptionChart, now: datetime, pack: Pack) -> list[Found]:
    """What this pack would raise of what is taken already, the gravest first."""
    because = CheckCause(cause=ConcernCause.PACK, fact=THE_CLIENT)
    checking = Checking(because=because, at=now, as_of=chart.today(now), reading=LATEST)
    if _asks_nobody(because, chart):
        return []
    return raised_by(checking, chart, found_in(chart, checking.as_of, LATEST, pack))


def raised_again(past: ConcernsRaised, chart: PrescriptionChart, pack: Pack | None = None) -> list[Found]:
    """What the check raises by the cause of then on the chart of then; by the pack of then, what was raised."""
    checking = Checking(
        because=CheckCause(cause=past.cause, fact=past.caused_by),
        at=past.occurred_at,
        as_of=past.capsule.as_of,
        reading=reading_of(past.capsule.reading),
    )
    return raised_by(checking, chart, found_in(chart, checking.as_of, checking.reading, pack))
