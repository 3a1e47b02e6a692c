"""What a client reads at once where what they wrote or answered is an emergency."""

from collections.abc import Iterable
from typing import Any

from care.common.v1 import common_pb2
from msgspec import UnsetType

from careloop.chassis.calls.call import current_call
from careloop.chassis.calls.writing import WritesApi, shown_as
from careloop.contracts.terms import Role, Triage, TriageLevel
from careloop.kernel.ids import PatientId
from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.urgency.client_help import ClientHelp, DepartmentOnRecord, client_help
from careloop.knowledge.urgency.understanding import language_of
from services.monitoring.domain.noted import EmergencyDepartmentNoted

client_help_of = shown_as(common_pb2.ClientHelp, ClientHelp)


async def helped(
    api: WritesApi, patient_id: PatientId, triage: Triage | UnsetType | None, text: str, on_call_phone: str
) -> dict[str, Any]:
    """The `help` of a response to a client whose words are an emergency; nothing for others, and below that."""
    if not isinstance(triage, Triage) or triage.level is not TriageLevel.EMERGENCY_NOW:
        return {}
    return await help_for_client(api, patient_id, on_call_phone, text=text, red_flags=triage.red_flags)


async def help_for_client(
    api: WritesApi, patient_id: PatientId, on_call_phone: str, *, text: str = "", red_flags: Iterable[str] = ()
) -> dict[str, Any]:
    """The `help` of a response, in the language of the text; nothing where it is not the client who calls."""
    call = current_call()
    if call.role != Role.CLIENT:
        return {}
    watch = await api.writes.state(patient_id)
    told = client_help(
        language_of(current_pack(), text),
        on=call.now.date(),
        red_flags=red_flags,
        on_call_phone=on_call_phone,
        department=_on_record(watch.department),
    )
    return {"help": client_help_of(told)}


def _on_record(noted: EmergencyDepartmentNoted | None) -> DepartmentOnRecord | None:
    if noted is None:
        return None
    return DepartmentOnRecord(name=noted.name, phone=noted.phone, recorded_on=noted.occurred_at.date())
