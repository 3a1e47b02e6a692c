"""What results demand while a drug is taken: raised once, with its clock, and ended by what settles it."""

from datetime import date, datetime

from careloop.contracts.monitoring import ResultActionEnd, ResultActionEnded, ResultActionRaised
from careloop.kernel.ids import FactId, derived_id
from careloop.kernel.restating import restating
from careloop.knowledge.follow_up.schedules import follow_up
from careloop.knowledge.follow_up.terms import AppliedRule, DrugCourse, ResultFinding
from careloop.knowledge.urgency.result_clocks import act_within
from services.monitoring.domain.events import Event
from services.monitoring.domain.noted import DiscontinuationNoted, ResultsNoted, StrikeNoted
from services.monitoring.domain.state import Watch, evolve

Heard = ResultsNoted | StrikeNoted | DiscontinuationNoted
BECAUSE = {
    ResultsNoted: ResultActionEnd.NEW_RESULT,
    StrikeNoted: ResultActionEnd.STRUCK,
    DiscontinuationNoted: ResultActionEnd.DRUG_STOPPED,
}
Key = tuple[str, str, FactId]
"""The rule, the drug, and the recording of the result."""

demand = restating(
    ResultActionRaised,
    (ResultFinding, AppliedRule),
    *("fact_id", "due_at", "result", "recorded_by", "occurred_at"),
    rule_version="version",
)


def follow_results(heard: Heard, watch: Watch, now: datetime) -> list[Event]:
    """Results are noted, once; a strike or the end of a drug is only looked at, as others note it.

    Whatever is demanded then and was not before is raised; whatever is demanded no more is ended. The same result
    demands the same thing once.
    """
    if isinstance(heard, ResultsNoted) and heard.evidence in watch.followed:
        return []
    after = evolve(watch, heard)
    demanded = _demanded(after, now)
    standing = {_key(one): one for one in after.results.open(after.struck)}
    ended = [_ended(one, heard) for key, one in standing.items() if key not in demanded]
    raised = [_raised(key, found, heard, after, now) for key, found in demanded.items() if key not in standing]
    noted: list[Event] = [heard] if isinstance(heard, ResultsNoted) else []
    return [*noted, *ended, *raised]


def _demanded(watch: Watch, now: datetime) -> dict[Key, ResultFinding]:
    recordings = watch.results.standing(watch.struck)
    results = [result for one in recordings for result in one.results]
    if not results:
        return {}
    today = max([now.date(), *(one.on for one in results)])
    first = min(one.on for one in results)
    found: dict[Key, ResultFinding] = {}
    for finding in follow_up(courses(watch, first, today), results, today).results:
        recording = watch.results.recording_of(finding.results, watch.struck)
        if recording is not None:
            found[finding.applied.rule, finding.applied.drug, recording.fact_id] = finding
    return found


def courses(watch: Watch, first: date, today: date) -> list[DrugCourse]:
    """What is taken: our prescriptions that have begun, and the medicines of the newest list, of which it is not known
    when they were begun; their first result counts as one during the course."""
    return [
        DrugCourse(
            name=one.medicine.name,
            rxcui=one.medicine.rxcui or None,
            started_on=one.started_on or first,
            stopped_on=one.stopped_on,
        )
        for one in watch.courses()
        if (one.started_on or first) <= today
    ]


def _key(raised: ResultActionRaised) -> Key:
    return raised.rule, raised.drug, raised.result


def _raised(key: Key, found: ResultFinding, heard: Heard, watch: Watch, now: datetime) -> ResultActionRaised:
    within = act_within(found.severity, now.date())
    recording = next(one for one in watch.results.noted if one.fact_id == key[2])
    return demand(
        found,
        found.applied,
        fact_id=FactId(derived_id("monitoring", "result-action", *key, heard.evidence)),
        due_at=None if within is None else now + within,
        result=recording.fact_id,
        recorded_by=recording.recorded_by,
        occurred_at=recording.occurred_at,
    )


def _ended(raised: ResultActionRaised, heard: Heard) -> ResultActionEnded:
    return ResultActionEnded(
        fact_id=FactId(derived_id("monitoring", "result-action-ended", raised.fact_id, heard.evidence)),
        raised=raised.fact_id,
        because=BECAUSE[type(heard)],
        occurred_at=heard.occurred_at,
    )
