"""The standing check of all clients, on the wire."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

from care.common.v1 import common_pb2
from care.prescribing.v1 import prescribing_pb2 as pb

from careloop.chassis.calls.call import Call
from careloop.chassis.calls.writing import shown_as
from careloop.contracts.prescribing import Alert
from careloop.contracts.terms import Medicine, Role
from careloop.kernel.errors import InvalidInput, NotAllowed, RuleViolated
from careloop.knowledge.pack.pack import Pack, PackInvalid, current_pack, load
from services.prescribing.domain.standing import Found
from services.prescribing.standing_checks import FoundOfClient, StandingChecks

_alert = shown_as(common_pb2.Alert, Alert, "mechanism", "evidence")
_medicine = shown_as(common_pb2.Medicine, Medicine)


async def run_standing_check(
    checks: StandingChecks, request: pb.RunStandingCheckRequest, call: Call
) -> AsyncIterator[pb.RunStandingCheckResponse]:
    """Raises InvalidInput for data that is no valid pack, NotAllowed where who may not raise concerns would,
    RuleViolated where they would be raised by a pack that is not in use."""
    pack = await _pack_of(request)
    if request.raise_concerns:
        _require_may_raise(pack, call)
    knowledge, checked = pack.reference, 0
    async with aclosing(checks.by(pack, call.now)) as found:
        async for one in found:
            checked += 1
            if one.concerns:
                yield _found(one)
    due = await checks.raise_by_the_pack_in_use(call.now) if request.raise_concerns else 0
    yield pb.RunStandingCheckResponse(
        done=pb.StandingCheckDone(
            checked=checked,
            due=due,
            knowledge_pack=knowledge.pack,
            knowledge_version=knowledge.version,
            knowledge_digest=knowledge.digest,
        )
    )


async def _pack_of(request: pb.RunStandingCheckRequest) -> Pack:
    if not request.pack:
        return current_pack()
    try:
        return await asyncio.to_thread(load, dict(request.pack))
    except PackInvalid as fault:
        raise InvalidInput("pack-invalid", f"pack is no valid pack: {fault}", field="pack") from None


def _require_may_raise(pack: Pack, call: Call) -> None:
    if call.caller.role == Role.ANALYST:
        raise NotAllowed("only-clinicians-raise", "A pharmacist or a psychiatrist raises concerns; an analyst looks.")
    if pack.reference.digest != current_pack().reference.digest:
        sentence = "Concerns are raised by the pack in use: install the build that has this one, and raise them then."
        raise RuleViolated("pack-not-in-use", sentence, field="pack")


def _found(one: FoundOfClient) -> pb.RunStandingCheckResponse:
    return pb.RunStandingCheckResponse(
        found=pb.FoundOfClient(patient_id=str(one.patient_id), concerns=[_concern(found) for found in one.concerns])
    )


def _concern(found: Found) -> pb.FoundConcern:
    return pb.FoundConcern(
        prescription_id="" if found.prescription is None else str(found.prescription),
        medicine=_medicine(found.medicine),
        alert=_alert(found.alert),
    )
