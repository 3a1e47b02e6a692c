"""Applications written for the library alone run unchanged: only the environment names this store."""

from collections.abc import Iterator
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest
from eventsourcing.application import AggregateNotFoundError, Application, ProcessingEvent
from eventsourcing.cipher import AESCipher
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, DomainEventProtocol, event
from eventsourcing.persistence import IntegrityError, Tracking
from eventsourcing.projection import Projection, ProjectionRunner
from eventsourcing.system import MultiThreadedRunner, ProcessApplication, Runner, SingleThreadedRunner, System
from eventsourcing.utils import get_topic

from careloop.eventsourcing_store import CareloopTrackingRecorder
from tests.support.library import OwnSchema


class Dog(Aggregate):
    @event("Registered")
    def __init__(self, name: str) -> None:
        self.name = name
        self.tricks: list[str] = []
        self.trained_with: list[UUID] = []

    @event("TrickAdded")
    def add_trick(self, trick: str) -> None:
        self.tricks.append(trick)

    @event("TrainedTogether")
    def train_with(self, other: UUID) -> None:
        self.trained_with.append(other)


class DogSchool(Application[UUID]):
    is_snapshotting_enabled = True

    def register_dog(self, name: str) -> UUID:
        dog = Dog(name)
        self.save(dog)
        return dog.id

    def add_trick(self, dog_id: UUID, trick: str) -> int:
        dog: Dog = self.repository.get(dog_id)
        dog.add_trick(trick)
        return self.save(dog)[-1].notification.id

    def tricks(self, dog_id: UUID) -> list[str]:
        dog: Dog = self.repository.get(dog_id)
        return dog.tricks


class TrickCounts(CareloopTrackingRecorder):
    def create_table(self) -> None:
        super().create_table()
        with self.datastore.transaction() as transaction:
            transaction.execute("create table if not exists trick_counts (trick text primary key, count int not null)")

    def count_one(self, trick: str, tracking: Tracking) -> None:
        with self.datastore.transaction() as transaction:
            transaction.execute(
                "insert into trick_counts as t values ($1, 1) on conflict (trick) do update set count = t.count + 1",
                trick,
            )
            self.track(transaction, tracking)

    def counts(self) -> dict[str, int]:
        return {row["trick"]: row["count"] for row in self.datastore.fetch("select * from trick_counts")}


class CountTricks(Projection[TrickCounts]):
    name = "trickcounts"
    topics = (get_topic(Dog.TrickAdded),)  # type: ignore[attr-defined]

    @singledispatchmethod
    def process_event(self, domain_event: DomainEventProtocol[UUID], tracking: Tracking) -> None:
        self.view.count_one(domain_event.trick, tracking)  # type: ignore[attr-defined]


class Tally(Aggregate):
    def __init__(self, trick: str) -> None:
        self.trick = trick
        self.count = 0

    @classmethod
    def create_id(cls, trick: str) -> UUID:
        return uuid5(NAMESPACE_URL, f"/tallies/{trick}")

    @event("Counted")
    def increase(self) -> None:
        self.count += 1


class Tallies(ProcessApplication[UUID]):
    @singledispatchmethod
    def policy(self, domain_event: DomainEventProtocol[UUID], processing_event: ProcessingEvent[UUID]) -> None:
        trick = getattr(domain_event, "trick", None)
        if trick is None or isinstance(domain_event, Tally.Event):
            return
        try:
            tally: Tally = self.repository.get(Tally.create_id(trick))
        except AggregateNotFoundError:
            tally = Tally(trick)
        tally.increase()
        processing_event.collect_events(tally)

    def count(self, trick: str) -> int:
        tally: Tally = self.repository.get(Tally.create_id(trick))
        return tally.count


TOLD = {
    "plain": {},
    "cached": {"AGGREGATE_CACHE_MAXSIZE": "10"},
    "enciphered and compressed": {"CIPHER_KEY": AESCipher.create_key(16), "COMPRESSOR_TOPIC": "zlib"},
    "snapshots by itself": {"IS_SNAPSHOTTING_ENABLED": "y"},
}


@pytest.fixture(params=TOLD)
def school(request: pytest.FixtureRequest, schema: OwnSchema) -> Iterator[DogSchool]:
    with DogSchool({**schema.environment, **TOLD[request.param]}) as opened:
        yield opened


def test_aggregates_are_saved_and_read(school: DogSchool) -> None:
    fido, rex = school.register_dog("Fido"), school.register_dog("Rex")
    assert [school.add_trick(fido, trick) for trick in ("sit", "roll over")] == [3, 4]
    school.add_trick(rex, "fetch")
    assert school.tricks(fido) == ["sit", "roll over"]
    school.take_snapshot(fido)
    school.add_trick(fido, "play dead")
    assert school.tricks(fido) == ["sit", "roll over", "play dead"]
    past: Dog = school.repository.get(fido, version=2)
    assert past.tricks == ["sit"]


def test_the_older_of_two_copies_is_refused(school: DogSchool) -> None:
    fido = school.register_dog("Fido")
    one: Dog = school.repository.get(fido)
    other: Dog = school.repository.get(fido)
    one.add_trick("sit")
    other.add_trick("stay")
    school.save(one)
    with pytest.raises(IntegrityError):
        school.save(other)
    assert school.tricks(fido) == ["sit"]


def test_an_id_that_was_read_can_be_stored_in_an_event(school: DogSchool) -> None:
    school.save(Dog("Fido"))
    (registered,) = school.notification_log["1,1"].items
    rex = Dog("Rex")
    rex.train_with(registered.originator_id)  # type: ignore[arg-type]
    school.save(rex)
    again: Dog = school.repository.get(rex.id)
    assert again.trained_with == [registered.originator_id]


def test_sections_of_the_notification_log_lead_to_the_end(school: DogSchool) -> None:
    for number in range(25):
        school.register_dog(f"dog {number}")
    section_id: str | None = "1,10"
    read = []
    while section_id is not None:
        section = school.notification_log[section_id]
        read.append((section.id, [item.id for item in section.items]))
        section_id = section.next_id
    assert read == [
        ("1,10", list(range(1, 11))),
        ("11,20", list(range(11, 21))),
        ("21,25", list(range(21, 26))),
    ]


def test_a_projection_goes_on_where_it_stopped(schema: OwnSchema) -> None:
    told = schema.environment
    with DogSchool(told) as school:
        dog = school.register_dog("Fido")
        for round_number in (1, 2):
            school.add_trick(dog, "sit")
            with ProjectionRunner(
                application_class=DogSchool, projection_class=CountTricks, view_class=TrickCounts, env=told
            ) as runner:
                last = school.add_trick(dog, "roll over")
                runner.wait(last, timeout=10)
                assert runner.projection.view.counts() == {"sit": round_number, "roll over": round_number}


@pytest.mark.parametrize("runner_class", [SingleThreadedRunner, MultiThreadedRunner])
def test_a_system_of_applications_follows(schema: OwnSchema, runner_class: type[Runner[UUID]]) -> None:
    with runner_class(System([[DogSchool, Tallies]]), env=schema.environment) as runner:
        school, tallies = runner.get(DogSchool), runner.get(Tallies)
        dogs = [school.register_dog(f"dog {n}") for n in range(5)]
        last = max(school.add_trick(dog, "sit") for dog in dogs)
        tallies.recorder.wait(school.name, last, timeout=10)
        assert tallies.count("sit") == 5
