"""The conformance suite that ships inside the library's wheel, as it is, on our tables."""

import pytest
from eventsourcing.persistence import Tracking
from eventsourcing.tests import application as applications
from eventsourcing.tests import persistence as suite
from eventsourcing.tests import projection as projections
from eventsourcing.utils import Environment

from careloop.eventsourcing_store import (
    CareloopAggregateRecorder,
    CareloopApplicationRecorder,
    CareloopFactory,
    CareloopProcessRecorder,
    CareloopTrackingRecorder,
    Datastore,
)
from tests.support.library import OwnSchema


class OnDatastore:
    """Gives each case a schema of its own."""

    datastore: Datastore

    @pytest.fixture(autouse=True)
    def _own_schema(self, datastore: Datastore) -> None:
        self.datastore = datastore


class TestAggregateRecorder(OnDatastore, suite.AggregateRecorderTestCase):
    def create_recorder(self) -> CareloopAggregateRecorder:
        recorder = CareloopAggregateRecorder(self.datastore)
        recorder.create_table()
        return recorder


class TestApplicationRecorder(OnDatastore, suite.ApplicationRecorderTestCase[CareloopApplicationRecorder]):
    def create_recorder(self) -> CareloopApplicationRecorder:
        recorder = CareloopApplicationRecorder(self.datastore)
        recorder.create_table()
        return recorder

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestTrackingRecorder(OnDatastore, suite.TrackingRecorderTestCase):
    def create_recorder(self) -> CareloopTrackingRecorder:
        recorder = CareloopTrackingRecorder(self.datastore)
        recorder.create_table()
        return recorder


class TestProcessRecorder(OnDatastore, suite.ProcessRecorderTestCase):
    def create_recorder(self) -> CareloopProcessRecorder:
        recorder = CareloopProcessRecorder(self.datastore)
        recorder.create_table()
        return recorder


class TestProcessRecorderAsApplicationRecorder(OnDatastore, suite.ApplicationRecorderTestCase[CareloopProcessRecorder]):
    def create_recorder(self) -> CareloopProcessRecorder:
        recorder = CareloopProcessRecorder(self.datastore)
        recorder.create_table()
        return recorder

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestNonInterleavingNotificationIDs(OnDatastore, suite.NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self) -> CareloopApplicationRecorder:
        recorder = CareloopApplicationRecorder(self.datastore)
        recorder.create_table()
        return recorder


class OwnTrackingRecorder(CareloopTrackingRecorder):
    """A user's subclass."""


class TestInfrastructureFactory(suite.InfrastructureFactoryTestCase[CareloopFactory]):
    @pytest.fixture(autouse=True)
    def _own_schema(self, schema: OwnSchema) -> None:
        self.env = Environment("TestCase", env=schema.environment)

    def expected_factory_class(self) -> type[CareloopFactory]:
        return CareloopFactory

    def expected_aggregate_recorder_class(self) -> type[CareloopAggregateRecorder]:
        return CareloopAggregateRecorder

    def expected_application_recorder_class(self) -> type[CareloopApplicationRecorder]:
        return CareloopApplicationRecorder

    def expected_tracking_recorder_class(self) -> type[CareloopTrackingRecorder]:
        return CareloopTrackingRecorder

    def tracking_recorder_subclass(self) -> type[CareloopTrackingRecorder]:
        return OwnTrackingRecorder

    def expected_process_recorder_class(self) -> type[CareloopProcessRecorder]:
        return CareloopProcessRecorder


class InOwnEnvironment:
    """Applications of the suite take what they are told from the process environment."""

    @pytest.fixture(autouse=True)
    def _own_schema(self, schema: OwnSchema, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in schema.environment.items():
            monkeypatch.setenv(name, value)


class TestExampleApplication(InOwnEnvironment, applications.ExampleApplicationTestCase):
    expected_factory_topic = "careloop.eventsourcing_store.factory:CareloopFactory"


class TestApplication(InOwnEnvironment, applications.ApplicationTestCase):
    pass


class CountersView(CareloopTrackingRecorder, projections.EventCountersView):
    """The suite's view, kept in a table beside its tracking."""

    def create_table(self) -> None:
        super().create_table()
        with self.datastore.transaction() as transaction:
            transaction.execute("create table if not exists counters (name text primary key, count bigint not null)")

    def get_created_event_counter(self) -> int:
        return self._count("created")

    def get_subsequent_event_counter(self) -> int:
        return self._count("subsequent")

    def incr_created_event_counter(self, tracking: Tracking) -> None:
        self._increment("created", tracking)

    def incr_subsequent_event_counter(self, tracking: Tracking) -> None:
        self._increment("subsequent", tracking)

    def _count(self, name: str) -> int:
        count: int | None = self.datastore.fetchval("select count from counters where name = $1", name)
        return count or 0

    def _increment(self, name: str, tracking: Tracking) -> None:
        with self.datastore.transaction() as transaction:
            transaction.execute(
                """insert into counters as c values ($1, 1)
                   on conflict (name) do update set count = c.count + 1""",
                name,
            )
            self.track(transaction, tracking)


class TestCountersView(OnDatastore, projections.EventCountersViewTestCase):
    def construct_event_counters_view(self) -> CountersView:
        view = CountersView(self.datastore)
        view.create_table()
        return view


class TestProjectionRunner(InOwnEnvironment, projections.AggregateEventCountersProjectionTestCase):
    view_class = CountersView


class TestEventSourcedProjection(InOwnEnvironment, projections.EventSourcedProjectionTestCase):
    pass
