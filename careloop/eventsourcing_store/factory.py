"""Recorders by the library's rules: table names from the application's name, classes from the environment."""

from types import TracebackType
from typing import Any, Self, cast

import eventsourcing.persistence as library
from eventsourcing.utils import Environment, EnvType, resolve_topic
from typing_extensions import TypeVar

from careloop.eventsourcing_store.datastore import Datastore
from careloop.eventsourcing_store.environment import address_from, creates_tables
from careloop.eventsourcing_store.event_recorders import CareloopAggregateRecorder, CareloopApplicationRecorder
from careloop.eventsourcing_store.tracking_recorders import CareloopProcessRecorder, CareloopTrackingRecorder

Recorder = TypeVar("Recorder", bound=CareloopAggregateRecorder | CareloopTrackingRecorder)
Tracker = TypeVar("Tracker", bound=CareloopTrackingRecorder, default=CareloopTrackingRecorder)


class CareloopFactory(library.InfrastructureFactory[CareloopTrackingRecorder]):
    """The library's InfrastructureFactory over tables of Careloop's form.

    Raises OSError for an unusable environment, and ProgrammingError from every recorder in a service's schema.
    """

    aggregate_recorder_class = CareloopAggregateRecorder
    application_recorder_class = CareloopApplicationRecorder
    tracking_recorder_class = CareloopTrackingRecorder
    process_recorder_class = CareloopProcessRecorder

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        self.datastore = Datastore(address_from(self.env))

    def aggregate_recorder(self, purpose: str = "events") -> CareloopAggregateRecorder:
        table = self._table("stored", purpose)
        return self._ready(self.aggregate_recorder_class(self.datastore, events_table_name=table))

    def application_recorder(self) -> CareloopApplicationRecorder:
        chosen = self._chosen(self.APPLICATION_RECORDER_TOPIC, self.application_recorder_class)
        return self._ready(chosen(self.datastore, events_table_name=self._table("stored", "events")))

    def tracking_recorder(self, tracking_recorder_class: type[Tracker] | None = None) -> Tracker:
        chosen: Any = tracking_recorder_class or self._chosen(
            self.TRACKING_RECORDER_TOPIC, self.tracking_recorder_class
        )
        _require(chosen, self.tracking_recorder_class)
        recorder: Tracker = chosen(self.datastore, tracking_table_name=self._table("notification", "tracking"))
        return self._ready(recorder)

    def process_recorder(self) -> CareloopProcessRecorder:
        chosen = self._chosen(self.PROCESS_RECORDER_TOPIC, self.process_recorder_class)
        return self._ready(
            chosen(
                self.datastore,
                events_table_name=self._table("stored", "events"),
                tracking_table_name=self._table("notification", "tracking"),
            )
        )

    def _table(self, nameless: str, purpose: str) -> str:
        return f"{self.env.name.lower() or nameless}_{purpose}"

    def _chosen(self, variable: str, default: type[Recorder]) -> type[Recorder]:
        topic = self.env.get(variable)
        chosen: Any = resolve_topic(topic) if topic else default
        _require(chosen, default)
        return cast(type[Recorder], chosen)

    def _ready(self, recorder: Recorder) -> Recorder:
        if creates_tables(self.env):
            recorder.create_table()
        return recorder

    def close(self) -> None:
        self.datastore.close()

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        super().__exit__(exc_type, exc_val, exc_tb)
        self.close()


def _require(chosen: Any, base: type[object]) -> None:
    if not (isinstance(chosen, type) and issubclass(chosen, base)):
        raise TypeError(f"a recorder of this store must be a subclass of {base.__name__}")
