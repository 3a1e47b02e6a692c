"""The parts of a request as the domain knows them: what is well formed comes back typed, anything else is refused."""

from care.common.v1 import common_pb2
from care.monitoring.v1 import monitoring_pb2 as pb

from careloop.chassis.calls import reading as fields
from careloop.kernel.errors import InvalidInput
from services.monitoring.domain.codes import DoseStatus
from services.monitoring.domain.medicines import Medicine

MISSING = -1
DOSE_STATUSES = {pb.DOSE_STATUS_TAKEN: DoseStatus.TAKEN, pb.DOSE_STATUS_SKIPPED: DoseStatus.SKIPPED}


def suspected_medicine(request: pb.ReportSideEffectRequest) -> Medicine | None:
    return (
        medicine(request.suspected_medicine, "suspected_medicine") if request.HasField("suspected_medicine") else None
    )


def medicine(named: common_pb2.Medicine, field: str) -> Medicine:
    return Medicine(
        name=fields.text(named.name, f"{field}.name", longest=500),
        rxcui=fields.optional_text(named.rxcui, f"{field}.rxcui", longest=20),
    )


def dose_status(status: pb.DoseStatus.ValueType) -> DoseStatus:
    found = DOSE_STATUSES.get(status)
    if found is None:
        raise InvalidInput("not-a-code", "status must be DOSE_STATUS_TAKEN or DOSE_STATUS_SKIPPED.", field="status")
    return found


def items(request: pb.AnswerScaleRequest) -> tuple[int | None, ...]:
    return tuple(None if item == MISSING else item for item in request.items)
