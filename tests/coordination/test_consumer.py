"""What a unit of published events comes to in the projector, without a database."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, cast
from uuid import UUID

import pytest
from msgspec import structs

from careloop.chassis.consuming.handler import Received, Unknown
from careloop.chassis.events.codec import ENCODER
from careloop.chassis.events.partitioner import partition_of
from careloop.chassis.log.protocol import Statement
from careloop.contracts import assessment, coordination, monitoring, notifications, prescribing, terms
from careloop.kernel.ids import PatientId
from services.coordination.consumers import CareViewConsumer
from services.coordination.domain.view.section_fold import FOLD_VERSION
from services.coordination.domain.view.sections import SECTIONS
from services.coordination.domain.view.sections.assessment import AssessmentSection
from services.coordination.domain.view.sections.monitoring import MonitoringSection
from services.coordination.domain.view.urgency import answered, leading
from services.coordination.projecting.section_cache import SectionCache
from services.coordination.reading.stored_section import (
    LEAST_TAIL,
    NOT_RANKED,
    StoredSection,
    as_array,
    as_stored,
    grown,
    nothing,
    sealed,
)
from tests.coordination.telling import CORRELATION, dated, folded, received
from tests.support.controls import coordination as control
from tests.support.controls.moments import PATIENT, fact

PARTITIONS = 6
PARTITION = partition_of(PATIENT, PARTITIONS)


def patients_of(partition: int) -> list[PatientId]:
    """A few others whose records come by the same partition."""
    every = (PatientId(UUID(int=number)) for number in range(1, 200))
    return [one for one in every if partition_of(one, PARTITIONS) == partition][:3]


OTHER, THIRD, _ = patients_of(PARTITION)
COLUMNS = (
    "source", "partition", "fold_version", "no_rank", "turns", "positions", "patients", "types", "event_ids",
    "occurred_at", "recorded_at", "actors", "correlation_ids", "causation_ids", "key_ids", "values", "patient_ids",
    "before", "last", "concerns", "answered", "headlines", "ranked", "with_states", "states", "settled",
)  # fmt: skip


@dataclass
class KnownViews:
    """The stored sections, as a test fills them; `meanwhile` happens while they are read."""

    sections: dict[tuple[str, PatientId], StoredSection] = field(default_factory=dict)
    turned: int = 3
    meanwhile: Callable[[], None] = lambda: None
    asked: list[tuple[str, list[PatientId]]] = field(default_factory=list)

    async def turns(self) -> int:
        return self.turned

    async def of_source(self, source: str, patients: Collection[PatientId]) -> dict[PatientId, StoredSection]:
        self.asked.append((source, list(patients)))
        self.meanwhile()
        return {one: self.sections[source, one] for one in patients if (source, one) in self.sections}


@dataclass
class Projector:
    views: KnownViews = field(default_factory=KnownViews)

    def __post_init__(self) -> None:
        self.consumer = CareViewConsumer(cast(Any, self.views), PARTITIONS)

    async def call(self, *every: Received) -> dict[str, Any]:
        """What the one call of this unit is given, by name."""
        return said((await self.consumer.handle(every)).statements)


def said(statements: Sequence[Statement]) -> dict[str, Any]:
    (statement,) = statements
    assert statement.function == "project_heads"
    return dict(zip(COLUMNS, statement.args, strict=True))


def test_the_projector_listens_to_all_that_the_five_services_publish() -> None:
    shared = {"ScaleScored": terms.ScaleScored, "RiskRaised": terms.RiskRaised, "EnteredInError": terms.EnteredInError}
    names: dict[str, tuple[Any, tuple[str, ...]]] = {
        "assessment": (
            assessment,
            (
                "PatientEnrolled", "HistoryRecorded", "MedicationsReconciled", "AllergiesRecorded", "ListGapsRecorded",
                "PregnancyRecorded", "ResultsRecorded", "GenotypesRecorded", "SmokingRecorded", "ScaleScored",
                "DiagnosisEstablished", "RiskRaised", "PlanProposed", "AssessmentCompleted", "AssessmentAmended",
                "EpisodeClosed", "DeathConfirmed", "CaringContactDue",
                "EnteredInError",
            ),
        ),
        "prescribing": (
            prescribing,
            (
                "PrescriptionIssued", "PrescriptionDeclined", "DoseChanged", "DoseTookEffect",
                "PrescriptionDiscontinued",
                "SupplyCounted", "ListCompared", "DiscrepancyFound", "DiscrepancyOverdue", "DiscrepancyResolved",
                "ConcernsRaised", "ConcernAnswered", "ConcernEnded", "DosePlanSigned", "StepDue", "StepOverdue",
                "StepConfirmed", "SafetyStepTaken", "StepDeclined", "StepHeld", "StepChanged", "DosePlanEnded",
                "EnteredInError",
            ),
        ),
        "monitoring": (
            monitoring,
            (
                "SideEffectReported", "SideEffectResolved", "ScaleScored", "RiskRaised", "RiskContactRecorded",
                "RiskEnded", "ResultActionRaised", "ResultActionEnded", "DoseRecorded",
                "ExtraDoseReported", "EmergencyDeclared", "EnteredInError",
            ),
        ),
        "notifications": (
            notifications,
            (
                "NoticeDecided", "NoticeSent", "NoticeFailed", "NoticeAcknowledged", "NoticeEscalated",
                "NoticeHandedOver", "NoticeWithdrawn", "EnteredInError",
            ),
        ),
        "coordination": (
            coordination,
            ("TeamMemberAssigned", "TeamMemberReleased", "MessagePosted", "EnteredInError"),
        ),
    }  # fmt: skip
    expected = {
        f"care.{source}.{name}.v1": shared.get(name) or getattr(contract, name)
        for source, (contract, every) in names.items()
        for name in every
    }
    assert CareViewConsumer.contracts == expected
    assert (CareViewConsumer.wants_unknown, CareViewConsumer.consumer) == (True, "coordination.care-view")
    assert set(names) == set(SECTIONS)


@pytest.mark.parametrize("source", SECTIONS)
async def test_a_state_is_the_fold_of_all_that_its_source_told(source: str) -> None:
    """A strike makes it worth one at once."""
    events = [*control.TOLD[source], control.struck(control.TOLD[source][0])]
    given = await Projector().call(*(received(source, one, n) for n, one in enumerate(events, start=1)))
    section = getattr(folded([(source, one) for one in events]), source)
    assert (given["with_states"], given["states"]) == ([1], [ENCODER.encode(section)])
    assert (given["concerns"], given["answered"]) == ([as_stored(leading(section))], ["{}"])
    assert given["settled"] == [as_array(answered(section))]
    assert len(given["positions"]) == len(events)


def doses(first: int, many: int) -> list[Received]:
    return [
        received("monitoring", replace(control.DOSE, fact_id=fact(f"dose {n}")), n) for n in range(first, first + many)
    ]


async def test_a_state_is_written_when_what_came_since_is_worth_it() -> None:
    """Not for fewer than 32 facts, and then not before they have half of the state's size."""
    projector, written = Projector(), list[int]()
    for n in range(1, 301):
        given = await projector.call(*doses(n, 1))
        written += [n for _state in given["states"]]
    assert written[:2] == [LEAST_TAIL, 2 * LEAST_TAIL]
    assert all(later - earlier >= LEAST_TAIL for earlier, later in pairwise(written))
    assert len(written) < 300 / LEAST_TAIL
    (at_once,) = (await Projector().call(*doses(1, LEAST_TAIL)))["states"]
    assert len(json.loads(at_once)["doses"]) == LEAST_TAIL


async def test_what_was_answered_stands_with_the_head_until_a_state_says_it() -> None:
    projector = Projector()
    await projector.call(received("notifications", control.RISK_NOTICE, 1))
    given = await projector.call(received("notifications", control.RISK_ACKNOWLEDGED, 2))
    assert (given["answered"], given["ranked"], given["states"]) == ([f"{{{control.RISK.fact_id}}}"], [True], [])
    given = await projector.call(received("notifications", control.struck(control.NOTICE), 3))
    assert (given["answered"], given["settled"]) == (["{}"], [f"{{{control.RISK.fact_id}}}"])
    assert given["ranked"] == [False]
    given = await projector.call(received("notifications", control.ESCALATED, 4))
    assert (given["answered"], given["ranked"]) == (["{}"], [False])


async def test_the_journal_is_given_every_column_of_every_event() -> None:
    first = received("monitoring", control.RASH, 4)
    caused = structs.replace(first.envelope, causation_id=fact("cause"), key_id="key-1")
    first = structs.replace(first, envelope=caused)
    second = received("monitoring", control.DOSE, 5, OTHER)
    third = received("monitoring", control.NAUSEA, 6)
    given = await Projector().call(first, second, third)
    both = folded([("monitoring", control.RASH), ("monitoring", control.NAUSEA)]).monitoring
    assert len(both.reported) == 2
    assert given == {
        "source": "monitoring",
        "partition": PARTITION,
        "fold_version": FOLD_VERSION,
        "no_rank": 4,
        "turns": 3,
        "positions": [4, 5, 6],
        "patients": [1, 2, 1],
        "types": [one.envelope.type for one in (first, second, third)],
        "event_ids": [one.envelope.event_id for one in (first, second, third)],
        "occurred_at": [control.RASH.occurred_at, control.DOSE.occurred_at, control.NAUSEA.occurred_at],
        "recorded_at": [one.envelope.recorded_at for one in (first, second, third)],
        "actors": ["someone"] * 3,
        "correlation_ids": [CORRELATION] * 3,
        "causation_ids": [fact("cause"), None, None],
        "key_ids": ["key-1", None, None],
        "values": [one.value for one in (first, second, third)],
        "patient_ids": [PATIENT, OTHER],
        "before": [0, 0],
        "last": [3, 2],
        "concerns": given["concerns"],
        "answered": ["{}", "{}"],
        "headlines": given["headlines"],
        "ranked": [True, True],
        "with_states": [],
        "states": [],
        "settled": [],
    }
    assert given["concerns"] == [as_stored(leading(both)), "[]"]
    assert [json.loads(text)["open_side_effects"] for text in given["headlines"]] == [2, 0]


def test_what_was_answered_is_named_in_one_order() -> None:
    both = sorted(map(str, (control.RASH.fact_id, control.RISK.fact_id)))
    assert as_array(frozenset({control.RASH.fact_id, control.RISK.fact_id})) == "{" + ",".join(both) + "}"
    assert (as_stored(leading(AssessmentSection())), as_array(frozenset())) == ("[]", "{}")
    assert nothing(AssessmentSection()).leading == NOT_RANKED


async def test_a_section_is_read_once_and_folded_on_from_what_is_remembered() -> None:
    projector = Projector()
    await projector.call(received("monitoring", control.RASH, 4))
    given = await projector.call(
        received("monitoring", control.NAUSEA, 5), received("monitoring", control.DOSE, 6, OTHER)
    )
    assert projector.views.asked == [("monitoring", [PATIENT]), ("monitoring", [OTHER])]
    assert (given["patient_ids"], given["before"]) == ([PATIENT, OTHER], [4, 0])
    again = await projector.call(received("monitoring", control.DOSE, 7, OTHER))
    assert (again["before"], again["ranked"]) == ([6], [False])
    assert len(projector.views.asked) == 2


async def test_every_source_has_a_section_of_its_own() -> None:
    projector = Projector()
    await projector.call(received("monitoring", control.RASH, 4))
    given = await projector.call(received("assessment", control.ENROLLED, 9))
    assert (given["source"], given["before"]) == ("assessment", [0])
    assert projector.views.asked == [("monitoring", [PATIENT]), ("assessment", [PATIENT])]


async def test_a_stored_section_is_folded_on_from_where_it_stands() -> None:
    section = folded([("monitoring", control.RASH)]).monitoring
    projector = Projector(KnownViews({("monitoring", PATIENT): sealed(section, 8, 10)}))
    given = await projector.call(received("monitoring", control.NAUSEA, 9))
    assert (given["before"], json.loads(given["headlines"][0])["open_side_effects"]) == ([8], 2)


async def test_a_section_of_another_fold_gets_a_state_of_this_one_with_its_next_fact() -> None:
    told = [received("monitoring", control.RASH, 8)]
    old = replace(grown(nothing(MonitoringSection()), dated(told), 10, 8), is_of_this_fold=False, leading=NOT_RANKED)
    projector = Projector(KnownViews({("monitoring", PATIENT): old}))
    given = await projector.call(received("monitoring", control.NAUSEA, 9))
    assert (given["before"], given["ranked"]) == ([8], [True])
    assert len(json.loads(given["states"][0])["reported"]) == 2
    assert (await projector.call(received("monitoring", control.DOSE, 10)))["states"] == []


@pytest.mark.parametrize(
    ("position", "new"), [(7, []), (8, []), (9, [9])], ids=["before it", "the very one", "the next"]
)
async def test_what_a_section_includes_is_passed_over(position: int, new: list[int]) -> None:
    projector = Projector(KnownViews({("monitoring", PATIENT): sealed(MonitoringSection(), 8, 10)}))
    effects = await projector.consumer.handle([received("monitoring", control.NAUSEA, position)])
    assert [said(effects.statements)["positions"] for _ in effects.statements] == ([new] if new else [])


async def test_of_a_unit_that_comes_again_in_part_only_the_new_part_is_stored() -> None:
    standing = sealed(folded([("monitoring", control.RASH)]).monitoring, 5, 10)
    projector = Projector(KnownViews({("monitoring", PATIENT): standing}))
    given = await projector.call(
        received("monitoring", control.RASH, 5),
        received("monitoring", control.DOSE, 5, OTHER),
        received("monitoring", control.NAUSEA, 6),
    )
    assert (given["positions"], given["patient_ids"], given["before"]) == ([5, 6], [OTHER, PATIENT], [0, 5])


async def test_where_all_was_seen_before_nothing_is_stored_and_an_empty_unit_asks_for_nothing() -> None:
    projector = Projector()
    unit = [received("monitoring", control.RASH, 4), received("monitoring", control.DOSE, 5, OTHER)]
    await projector.call(*unit)
    assert (await projector.consumer.handle(unit)).statements == ()
    assert (await Projector().consumer.handle([])).statements == ()


async def test_what_was_forgotten_is_read_again_with_the_count_of_turns() -> None:
    projector = Projector()
    await projector.call(received("monitoring", control.RASH, 4))
    projector.views.turned = 9
    assert (await projector.call(received("monitoring", control.NAUSEA, 5)))["turns"] == 3
    projector.consumer.forget("assessment", PARTITION)
    projector.consumer.forget("monitoring", PARTITION + 1)
    assert (await projector.call(received("monitoring", control.DOSE, 6)))["turns"] == 3
    projector.consumer.forget("monitoring", PARTITION)
    given = await projector.call(received("monitoring", control.DOSE, 7))
    assert (given["turns"], given["before"], len(projector.views.asked)) == (9, [0], 2)


async def test_what_is_forgotten_between_reading_and_folding_is_not_remembered() -> None:
    """What was read may be behind the store by then: another instance may have moved on."""
    projector = Projector()
    projector.views.meanwhile = lambda: projector.consumer.forget("monitoring", PARTITION)
    await projector.call(received("monitoring", control.RASH, 4))
    projector.views.meanwhile = lambda: None
    await projector.call(received("monitoring", control.NAUSEA, 5))
    assert projector.views.asked == [("monitoring", [PATIENT])] * 2


async def test_the_same_projector_without_memory_remembers_nothing_of_this_one() -> None:
    projector = Projector()
    await projector.call(received("monitoring", control.RASH, 4))
    beside = projector.consumer.without_memory()
    effects = await beside.handle([received("monitoring", control.NAUSEA, 5)])
    assert said(effects.statements)["before"] == [0]
    assert (await projector.call(received("monitoring", control.NAUSEA, 5)))["before"] == [4]


async def test_a_type_that_this_build_does_not_know_is_journaled_and_changes_no_section() -> None:
    new = received("monitoring", control.RASH, 4)
    envelope = structs.replace(new.envelope, type="care.monitoring.VisitCompleted.v1")
    given = await Projector().call(structs.replace(new, envelope=envelope, event=Unknown(), value=b"{}"))
    assert (given["types"], given["values"]) == (["care.monitoring.VisitCompleted.v1"], [b"{}"])
    assert (given["concerns"], given["states"]) == (["[]"], [])


@pytest.mark.parametrize(("size", "known"), [(100, [0, 1, 2]), (101, [1, 2]), (151, [2]), (301, [])])
def test_memory_is_bounded_by_the_size_of_what_is_remembered(size: int, known: list[int]) -> None:
    remembered = SectionCache(most_bytes=300)
    patients = [PATIENT, OTHER, THIRD]
    for number, patient in enumerate(patients):
        for _ in range(2):
            remembered.put("monitoring", 0, {patient: sealed(MonitoringSection(), number, size)})
    assert [number for number, one in enumerate(patients) if remembered.get("monitoring", 0, one)] == known


def test_what_is_remembered_is_of_one_source_one_partition_and_one_patient() -> None:
    remembered = SectionCache()
    standing = sealed(MonitoringSection(), 4, 10)
    remembered.put("monitoring", 0, {PATIENT: standing})
    for source, partition, patient in (
        ("assessment", 0, PATIENT),
        ("monitoring", 1, PATIENT),
        ("monitoring", 0, OTHER),
    ):
        assert remembered.get(source, partition, patient) is None
        remembered.forget(source, partition + (patient == OTHER))
    assert remembered.get("monitoring", 0, PATIENT) == standing
    newer = replace(standing, position=5)
    remembered.put("monitoring", 0, {PATIENT: newer})
    assert remembered.get("monitoring", 0, PATIENT) == newer
