"""What was understood of one patient, as requests of the assessment service."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TypeAlias

from care.assessment.v1 import assessment_pb2 as pb
from care.common.v1 import common_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from careloop.intake.conditions import Known, Reacts
from careloop.intake.medications import MedicineTaken, latest_of_each
from careloop.intake.scales import AnsweredPanel, Totalled
from careloop.kernel.ids import PatientId

SOURCE = "ehr-import"
STILL_OF_INTEREST = timedelta(days=365)
"""A medication that ended longer ago belongs to the history; no washout lasts nearly as long."""
NOT_ANSWERED = -1
ACTIVE = frozenset({"active", "recurrence", "relapse"})

AssessmentRequest: TypeAlias = (
    pb.EnrollPatientRequest
    | pb.RecordHistoryRequest
    | pb.ReconcileMedicationsRequest
    | pb.RecordAllergiesRequest
    | pb.AnswerScaleRequest
    | pb.RecordScaleTotalRequest
)


@dataclass
class UnderstoodChart:
    """The understood resources of one patient."""

    patient: PatientId
    enrolment: pb.EnrollPatientRequest
    conditions: list[Known] = field(default_factory=list)
    allergies: list[Reacts] = field(default_factory=list)
    taken: list[MedicineTaken] = field(default_factory=list)
    answered: list[AnsweredPanel] = field(default_factory=list)
    totalled: list[Totalled] = field(default_factory=list)

    def requests(self) -> tuple[AssessmentRequest, ...]:
        """The enrolment, then the facts. The same content gives the same requests with the same ids for ever, in
        whatever order the source lists it."""
        found = [self.enrolment, *self._lists(), *self._scales()]
        return tuple({request.request_id: request for request in map(self._identified, found)}.values())

    def _identified(self, request: AssessmentRequest) -> AssessmentRequest:
        """The id derives from the patient, who derives from the source's identifier, and a digest of the content."""
        request.patient_id = str(self.patient)
        kind = type(request).__name__.removesuffix("Request")
        content = kind.encode() + b"\0" + request.SerializeToString(deterministic=True)
        request.request_id = f"intake-{kind}-{sha256(content).hexdigest()[:48]}"
        return request

    def _lists(self) -> Iterator[AssessmentRequest]:
        listed, earlier = _split(self.taken)
        if self.conditions or earlier:
            yield _history(self.conditions, earlier)
        if listed:
            yield pb.ReconcileMedicationsRequest(
                medications=[_medication(one) for one in listed], occurred_at=_latest(self.taken)
            )
        if self.allergies:
            yield _allergies(self.allergies)

    def _scales(self) -> Iterator[AssessmentRequest]:
        for answered in sorted(self.answered, key=lambda one: (one.at, one.instrument)):
            items = [NOT_ANSWERED if item is None else item for item in answered.items]
            yield pb.AnswerScaleRequest(
                instrument=answered.instrument, items=items, source=SOURCE, occurred_at=_stamp(answered.at)
            )
        for totalled in sorted(self.totalled, key=lambda one: (one.at, one.instrument, one.total)):
            yield pb.RecordScaleTotalRequest(
                instrument=totalled.instrument, total=totalled.total, source=SOURCE, occurred_at=_stamp(totalled.at)
            )


def _split(taken: Iterable[MedicineTaken]) -> tuple[list[MedicineTaken], list[MedicineTaken]]:
    """The list as of the last record, and the earlier treatments: ended long before, or nobody knows when."""
    taken = list(taken)
    current = latest_of_each(one for one in taken if one.current)
    going_on = {one.medicine for one in current}
    ended = latest_of_each(one for one in taken if one.medicine not in going_on)
    latest = max((one.recorded_at for one in taken if one.recorded_at), default=None)
    recent = [
        one
        for one in ended
        if one.ended is not None and (latest is None or one.ended >= (latest - STILL_OF_INTEREST).date())
    ]
    return current + recent, [one for one in ended if one not in recent]


def _history(conditions: Iterable[Known], earlier: Iterable[MedicineTaken]) -> pb.RecordHistoryRequest:
    conditions, earlier = list(conditions), list(earlier)
    treatments = [
        pb.EarlierTreatment(
            medicine=common_pb2.Medicine(name=one.name, rxcui=one.rxcui),
            daily_dose_mg=_dose(one),
            response="unknown",
            stopped_for="unknown",
        )
        for one in earlier
    ]
    return pb.RecordHistoryRequest(
        conditions=_each_once(conditions),
        earlier_treatments=treatments,
        source=SOURCE,
        occurred_at=_latest([*conditions, *earlier]),
    )


def _each_once(conditions: Iterable[Known]) -> list[pb.Condition]:
    """One per code: active if it ever is, since the first onset stated."""
    by_code: dict[tuple[str, str], list[Known]] = {}
    for condition in conditions:
        by_code.setdefault((condition.system, condition.code), []).append(condition)
    return [_condition(same) for _, same in sorted(by_code.items())]


def _condition(same: list[Known]) -> pb.Condition:
    newest = max(same, key=lambda one: (one.clinical_status in ACTIVE, str(one.recorded_at or ""), one.clinical_status))
    onset = min((one.onset for one in same if one.onset), default=None)
    return pb.Condition(
        coding=common_pb2.Coding(system=newest.system, code=newest.code, display=min(one.display for one in same)),
        clinical_status=newest.clinical_status,
        onset=onset.isoformat() if onset else "",
    )


def _medication(taken: MedicineTaken) -> pb.CurrentMedication:
    return pb.CurrentMedication(
        medicine=common_pb2.Medicine(name=taken.name, rxcui=taken.rxcui),
        daily_dose_mg=_dose(taken),
        started_on=taken.started.isoformat() if taken.started else "",
        stopped_on=taken.ended.isoformat() if taken.ended else "",
        source=SOURCE,
    )


def _dose(taken: MedicineTaken) -> str:
    return f"{taken.daily_dose_mg:f}" if taken.daily_dose_mg is not None else ""


def _allergies(recorded: list[Reacts]) -> pb.RecordAllergiesRequest:
    """The list, or that none are known where only that was said."""
    listed = sorted({one for one in recorded if not one.none_known}, key=repr)
    allergies = [
        pb.Allergy(
            substance=common_pb2.Medicine(name=one.substance, rxcui=one.rxcui),
            type=one.type,
            criticality=one.criticality,
            reaction=one.reaction,
        )
        for one in listed
    ]
    return pb.RecordAllergiesRequest(
        allergies=allergies, no_known_allergies=not allergies, occurred_at=_latest(recorded)
    )


def _latest(recorded: Iterable[Known | MedicineTaken | Reacts]) -> Timestamp | None:
    """When the last of them was recorded; unset if none says."""
    moments = [one.recorded_at for one in recorded if one.recorded_at]
    return _stamp(max(moments)) if moments else None


def _stamp(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
