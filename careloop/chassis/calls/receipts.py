"""What every write of a service answers: its receipt, and the id of the fact it recorded."""

from typing import Any

from care.common.v1 import common_pb2

from careloop.chassis.commands.streams import Done
from careloop.chassis.events.consistency_token import ConsistencyToken
from careloop.chassis.events.partitioner import partition_of
from careloop.kernel.events import Request
from careloop.kernel.ids import FactId, PatientId, derived_id


class Receipts:
    """Those of one service, whose topic has `partitions`."""

    def __init__(self, service: str, partitions: int) -> None:
        self._service = service
        self._partitions = partitions

    def of(self, patient_id: PatientId, done: Done[Any]) -> common_pb2.Receipt:
        token = ConsistencyToken(
            service=self._service,
            partition=partition_of(patient_id, self._partitions),
            position=done.position,
            patient_id=patient_id,
        )
        return common_pb2.Receipt(token=token.encode(), repeated=done.repeated)

    def fact_id(self, patient_id: PatientId, asked: Request) -> FactId:
        """The same for every repeat of a request."""
        return FactId(derived_id(self._service, "fact", patient_id, asked.request_id))
