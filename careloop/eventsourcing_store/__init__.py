"""A persistence module for the `eventsourcing` library over logs of Careloop's form, in schemas of their own.

`PERSISTENCE_MODULE=careloop.eventsourcing_store` is all that an application changes. See docs/build-on.md.
"""

from careloop.eventsourcing_store.datastore import Datastore, Transaction
from careloop.eventsourcing_store.event_recorders import CareloopAggregateRecorder, CareloopApplicationRecorder
from careloop.eventsourcing_store.factory import CareloopFactory
from careloop.eventsourcing_store.tracking_recorders import CareloopProcessRecorder, CareloopTrackingRecorder

__all__ = [
    "CareloopAggregateRecorder",
    "CareloopApplicationRecorder",
    "CareloopFactory",
    "CareloopProcessRecorder",
    "CareloopTrackingRecorder",
    "Datastore",
    "Transaction",
]
