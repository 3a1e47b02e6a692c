"""One trace shows the path of one fact: from the call that brings it to the view that shows it."""

import json
from collections import Counter
from typing import Any

import grpc
import pytest

from careloop.chassis.tracing.spans import ATTRIBUTES, SpanId
from tests.support.collector import CollectedSpan, Collector, sampled_trace
from tests.support.histories.care import SERTRALINE, Care
from tests.support.processes.running import STUBS, Person, System, coordination, new_id, prescribing
from tests.support.waiting import until

pytestmark = pytest.mark.system

ISSUED = "care.prescribing.PrescriptionIssued.v1"


def sent(person: Person, caller: SpanId) -> tuple[tuple[str, str], ...]:
    return (*person.metadata(), ("traceparent", caller.traceparent(sampled=True)))


async def order_of(care: Care, caller: SpanId) -> Any:
    request = prescribing.IssuePrescriptionRequest(
        request_id=new_id(),
        patient_id=care.patient_id,
        order=prescribing.Order(medicine=SERTRALINE, daily_dose_mg="50", sig="Canary at noon", days_supply=30),
        at_least=[care.tokens["assessment"]],
    )
    stub = STUBS["prescribing"](care.prescriber.system.channels["prescribing"])
    return await stub.IssuePrescription(request, timeout=8, metadata=sent(care.prescriber, caller))


def path(spans: list[CollectedSpan], last: CollectedSpan) -> list[tuple[str, str]]:
    """Service and step of each span from the first to this one, by who is whose parent."""
    by_id = {span.id: span for span in spans}
    way = [last]
    while way[0].parent in by_id:
        way.insert(0, by_id[way[0].parent])
    return [(span.service, span.step) for span in way]


async def test_a_prescription_is_followed_from_its_call_into_the_view_through_four_services(
    system: System, collector: Collector
) -> None:
    care = Care(system)
    await care.enrol()
    await care.form_team()
    await care.assess()
    caller = SpanId(sampled_trace(), 0xC0FFEE)
    issued = await order_of(care, caller)
    care.tokens["prescribing"] = issued.receipt.token
    assert issued.fact_id in {one.fact_id for one in (await care.view()).view.medications.medications}

    def of_order(step: str) -> set[str]:
        return {one.service for one in collector.trace(caller.trace) if one.step == step and ISSUED in one.name}

    steps = {
        ("prescribing", "IssuePrescription"),
        ("prescribing", "append"),
        ("prescribing", "publish"),
        ("coordination", "project"),
        ("monitoring", "append"),
    }

    async def is_whole() -> bool:
        found = {(one.service, one.step) for one in collector.trace(caller.trace)}
        return steps <= found and of_order("apply") >= {"coordination", "monitoring", "notifications"}

    await until(is_whole, 20)
    spans = collector.trace(caller.trace)
    (call,) = (span for span in spans if span.step == "IssuePrescription")
    assert (call.parent, call.attributes["rpc.response.status_code"]) == (f"{caller.span:016x}", "OK")
    projected = [span for span in spans if span.step == "project"]
    assert [
        ("prescribing", "IssuePrescription"),
        ("prescribing", "append"),
        ("prescribing", "publish"),
        ("coordination", "apply"),
        ("coordination", "project"),
    ] in [path(spans, span) for span in projected]
    noted = [path(spans, span) for span in spans if (span.service, span.step) == ("monitoring", "append")]
    assert noted[0][-2:] == [("monitoring", "apply"), ("monitoring", "append")]
    assert {span.service for span in spans} >= {"prescribing", "coordination", "monitoring", "notifications"}
    assert all(span.began <= span.ended for span in spans)


async def test_a_call_with_a_correlation_id_of_its_own_points_to_its_callers_trace(
    system: System, collector: Collector
) -> None:
    care = Care(system)
    caller, correlation = SpanId(sampled_trace(), 0xBEEF), sampled_trace()
    metadata = (*sent(care.registrar, caller), ("x-correlation-id", str(correlation)))
    stub = STUBS["coordination"](system.channels["coordination"])
    with pytest.raises(grpc.aio.AioRpcError):
        await stub.GetCareView(
            coordination.GetCareViewRequest(patient_id=care.patient_id), timeout=8, metadata=metadata
        )

    async def is_there() -> bool:
        return bool(collector.trace(correlation))

    await until(is_there, 20)
    (span,) = collector.trace(correlation)
    assert (span.parent, span.links) == ("", (f"{caller.span:016x}",))
    assert not collector.trace(caller.trace)


async def test_no_span_holds_anything_of_a_patient_or_of_a_caller(system: System, collector: Collector) -> None:
    care = Care(system)
    await care.enrol()
    await care.form_team()
    await care.assess()
    trace = sampled_trace()
    care.tokens["prescribing"] = (await order_of(care, SpanId(trace, 1))).receipt.token
    await care.view()

    async def is_projected() -> bool:
        return any(span.step == "project" for span in collector.trace(trace))

    await until(is_projected, 20)
    assert set().union(*(span.attributes for span in collector.spans)) <= ATTRIBUTES
    canaries = (care.patient_id, "Robin", "1990-01-01", "555-0100", "Canary", "sertraline", "example.org")
    everything = json.dumps([(span.name, dict(span.attributes)) for span in collector.spans])
    counts = Counter(canary for canary in (*canaries, care.prescriber.subject) if canary in everything)
    assert not counts, counts
