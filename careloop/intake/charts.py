"""What was understood of one patient, as requests of the assessment service."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import TypeAlias

from care.assessment.v1 import assessment_pb2 as pb
from care.common.v1 import common_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from careloop.intake.allergies import Reacts
from careloop.intake.circumstances import Genotype, Pregnancy, Smoking
from careloop.intake.conditions import Known
from careloop.intake.identity import Person
from careloop.intake.medications import MedicineTaken, latest_of_each
from careloop.intake.origin import Origin
from careloop.intake.scales import AnsweredScale, Totalled
from careloop.kernel.ids import PatientId

SOURCE = "ehr-import"
TAKEN_OR_NOT = f"{SOURCE}: not known whether it is taken"
LISTS = ("medications", "allergies", "history")
STILL_OF_INTEREST = timedelta(days=365)
"""A medication that ended longer ago belongs to the history; no washout lasts nearly as long."""
NOT_ANSWERED = -1
ACTIVE = frozenset({"active", "recurrence", "relapse"})

AssessmentRequest: TypeAlias = (
    pb.EnrollPatientRequest
    | pb.RecordHistoryRequest
    | pb.ReconcileMedicationsRequest
    | pb.RecordAllergiesRequest
    | pb.RecordListGapsRequest
    | pb.RecordPregnancyRequest
    | pb.RecordSmokingRequest
    | pb.RecordGenotypesRequest
    | pb.AnswerScaleRequest
    | pb.RecordScaleTotalRequest
)


@dataclass(kw_only=True)
class UnderstoodChart:
    """The understood resources of one person. `own_ids` are those that the person's identifiers give, `earlier_ids`
    those of the rule of earlier builds, of which others may have `shared_ids` too. `left_out` counts, by list, entries
    of the source that are not understood."""

    person: Person
    own_ids: tuple[PatientId, ...]
    earlier_ids: tuple[PatientId, ...]
    enrolment: pb.EnrollPatientRequest
    origin: Origin
    conditions: list[Known] = field(default_factory=list)
    allergies: list[Reacts] = field(default_factory=list)
    taken: list[MedicineTaken] = field(default_factory=list)
    pregnancies: list[Pregnancy] = field(default_factory=list)
    smoking: list[Smoking] = field(default_factory=list)
    genotypes: list[Genotype] = field(default_factory=list)
    answered: list[AnsweredScale] = field(default_factory=list)
    totalled: list[Totalled] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    shared_ids: set[PatientId] = field(default_factory=set)

    def add(self, other: "UnderstoodChart") -> None:
        """All that another record of the same person holds."""
        self.conditions += other.conditions
        self.allergies += other.allergies
        self.taken += other.taken
        self.pregnancies += other.pregnancies
        self.smoking += other.smoking
        self.genotypes += other.genotypes
        self.answered += other.answered
        self.totalled += other.totalled
        self.left_out += other.left_out

    def requests(
        self, patient: PatientId, now: datetime, known_gaps: Mapping[str, int] | None = None
    ) -> tuple[AssessmentRequest, ...]:
        """The enrolment, then what is missing of the lists where that is not known already, then the facts. The same
        content gives the same facts with the same ids for ever, in whatever order the source lists it."""
        gaps = [_identified(gap, patient, now.isoformat()) for gap in self._gaps(known_gaps or {})]
        found = [self.enrolment, *self._lists(now), *self._circumstances(), *self._scales()]
        facts = {one.request_id: one for one in (_identified(request, patient) for request in found)}
        enrolment, *rest = facts.values()
        return (enrolment, *gaps, *rest)

    def _gaps(self, known: Mapping[str, int]) -> Iterator[AssessmentRequest]:
        for name in LISTS:
            if self.left_out[name] != known.get(name, 0):
                yield pb.RecordListGapsRequest(list=name, left_out=self.left_out[name], source=SOURCE)

    def _circumstances(self) -> Iterator[AssessmentRequest]:
        """The last word on pregnancy and smoking; genotypes of each moment, as they add up."""
        if self.pregnancies:
            pregnancy = max(self.pregnancies, key=lambda one: (one.at, one.status))
            yield pb.RecordPregnancyRequest(status=pregnancy.status, source=SOURCE, occurred_at=_stamp(pregnancy.at))
        if self.smoking:
            smoking = max(self.smoking, key=lambda one: (one.at, one.status))
            yield pb.RecordSmokingRequest(status=smoking.status, source=SOURCE, occurred_at=_stamp(smoking.at))
        for at in sorted({one.at for one in self.genotypes}):
            found = sorted({(one.gene, one.found) for one in self.genotypes if one.at == at})
            yield pb.RecordGenotypesRequest(
                genotypes=[pb.GenotypeResult(gene=gene, phenotype=phenotype) for gene, phenotype in found],
                source=SOURCE,
                occurred_at=_stamp(at),
            )

    def _lists(self, now: datetime) -> Iterator[AssessmentRequest]:
        listed, earlier = _split(one for one in self.taken if not one.none_taken)
        conditions = [one for one in self.conditions if not one.none_known]
        if conditions or earlier or (self.conditions and not self.left_out["history"]):
            yield _history(conditions, earlier, _latest([*self.conditions, *earlier]))
        none_taken = bool(self.taken) and all(one.none_taken for one in self.taken)
        if listed or (none_taken and not self.left_out["medications"]):
            yield pb.ReconcileMedicationsRequest(
                medications=[_medication(one, now.date()) for one in listed],
                none_taken=none_taken,
                occurred_at=_listed_at(self.taken, listed, now),
            )
        if any(not one.none_known for one in self.allergies) or (self.allergies and not self.left_out["allergies"]):
            yield _allergies(self.allergies)

    def _scales(self) -> Iterator[AssessmentRequest]:
        for answered in sorted(self.answered, key=lambda one: (one.at, one.instrument)):
            items = [NOT_ANSWERED if item is None else item for item in answered.items]
            yield pb.AnswerScaleRequest(
                instrument=answered.instrument, items=items, source=SOURCE, occurred_at=_stamp(answered.at)
            )
        counted = {(one.instrument, one.at, one.total) for one in self.answered}
        for totalled in sorted(self.totalled, key=lambda one: (one.at, one.instrument, one.total)):
            if (totalled.instrument, totalled.at, totalled.total) not in counted:
                yield pb.RecordScaleTotalRequest(
                    instrument=totalled.instrument, total=totalled.total, source=SOURCE, occurred_at=_stamp(totalled.at)
                )


def _identified(request: AssessmentRequest, patient: PatientId, said_at: str = "") -> AssessmentRequest:
    """A copy for this patient; its id derives from them and a digest of the content, and of when it was said where the
    same content may have to be said again."""
    one = deepcopy(request)
    one.patient_id = str(patient)
    kind = type(request).__name__.removesuffix("Request")
    content = kind.encode() + b"\0" + one.SerializeToString(deterministic=True) + said_at.encode()
    one.request_id = f"intake-{kind}-{sha256(content).hexdigest()[:48]}"
    return one


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


def _history(conditions: list[Known], earlier: list[MedicineTaken], at: Timestamp | None) -> pb.RecordHistoryRequest:
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
        nothing_known=not conditions and not treatments,
        source=SOURCE,
        occurred_at=at,
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


def _medication(taken: MedicineTaken, on: date) -> pb.CurrentMedication:
    """As of that day: an end that is only planned for later has not come."""
    return pb.CurrentMedication(
        medicine=common_pb2.Medicine(name=taken.name, rxcui=taken.rxcui),
        daily_dose_mg=_dose(taken),
        started_on=taken.started.isoformat() if taken.started else "",
        stopped_on=taken.ended.isoformat() if taken.ended and taken.ended <= on else "",
        source=SOURCE if taken.certain else TAKEN_OR_NOT,
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


def _listed_at(taken: Iterable[MedicineTaken], listed: Iterable[MedicineTaken], now: datetime) -> Timestamp | None:
    """When the list was so: when the last of it was recorded, or when the last end in it had come, if that is later."""
    said_at = _latest(taken)
    ended = max((one.ended for one in listed if one.ended and one.ended <= now.date()), default=None)
    if said_at is None or ended is None or ended <= said_at.ToDatetime().date():
        return said_at
    return _stamp(datetime.combine(ended, time(), tzinfo=UTC))


def _stamp(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
