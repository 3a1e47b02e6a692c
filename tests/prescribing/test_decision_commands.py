"""`careloop replay-decisions` and `careloop decisions` against prescribing's served API."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from care.prescribing.v1 import prescribing_pb2 as pb
from hypothesis import given as for_all
from hypothesis import settings

from careloop.cli.calling.past_decisions import answered_by, answered_then, explained
from careloop.contracts.prescribing import Override, OverrideReason
from careloop.knowledge.pack.pack import current_pack, load, read_data
from services.prescribing.domain import events
from services.prescribing.domain.past import as_decided, explanations
from services.prescribing.grpc_api.past import decision_message
from services.prescribing.replay import Recorded
from tests.prescribing.serving import Log, served
from tests.support.controls import prescribing as p
from tests.support.controls.moments import NOON, PATIENT, TODAY
from tests.support.histories.courses import COURSES, OTHER_PATIENT, decisions, issued, prescription

TAKING_LISINOPRIL = replace(
    p.PHENELZINE_TAKEN,
    medications=(replace(p.PHENELZINE_TAKEN.medications[0], name="lisinopril", rxcui=None),),
)
LITHIUM = prescription("lithium carbonate", "600")
UNKNOWN = prescription("zelvoritine 20 MG Oral Tablet", "20")


def folder(place: Path, *changes: tuple[str, str, str]) -> Path:
    """The pack's data files with some texts replaced, each after the first place that names an entry."""
    content = read_data()
    for rule, old, new in changes:
        name = next(name for name, text in content.items() if f"id: {rule}\n".encode() in text)
        before, found, after = content[name].decode().partition(f"id: {rule}\n")
        assert old in after
        content[name] = f"{before}{found}{after.replace(old, new, 1)}".encode()
    load(content)
    place.mkdir()
    for name, text in content.items():
        (place / name).write_bytes(text)
    return place


async def told() -> Log:
    """Three orders: declined, issued in spite of alerts by another one's words, and of an unknown drug."""
    log = Log()
    await log.tell(PATIENT, issued(*p.ASSESSED, TAKING_LISINOPRIL, order=LITHIUM))
    await log.tell(OTHER_PATIENT, issued(*p.ASSESSED, order=p.SERTRALINE_50))
    await log.tell(OTHER_PATIENT, issued(*p.ASSESSED, order=UNKNOWN)[-1:])
    return log


@settings(max_examples=60, deadline=None)
@for_all(COURSES)
def test_what_is_read_over_the_wire_is_enough_to_check_again(course: list[events.Event]) -> None:
    for decided in decisions(course):
        past = as_decided(decided, course, TODAY)
        recorded = Recorded(position=1, patient_id=PATIENT, past=past, recorded_at=NOON, struck=False)
        message = pb.PastDecision.FromString(decision_message(recorded, explanations(past)).SerializeToString())
        assert answered_then(message) == decided.capsule.screening
        assert answered_by(message, current_pack()) == decided.capsule.screening
        assert all(one.why.mechanism and one.why.evidence for one in explained(message))


async def test_the_pack_of_then_answers_as_it_did() -> None:
    log = await told()
    head = await log.store.head()
    async with served(log) as console:
        said = await console.run("replay-decisions", "--json", role="analyst")
    assert said.code == 0
    orders = [json.loads(line) for line in said.out.splitlines()]
    assert [one["decision"] for one in orders] == ["declined", "issued", "declined"]
    assert all(not any(one["answer"].values()) for one in orders)
    assert all(one["then"]["digest"] == one["now"]["digest"] == current_pack().digest for one in orders)
    assert "3 orders: 3 answered the same, 0 would now alert, 0 would no longer alert." in said.err
    assert await log.store.head() == head


async def test_another_pack_lists_what_would_now_alert_and_what_no_longer_would(tmp_path: Path) -> None:
    ended = ("ddi.lithium-raas", "effective_from: 2000-01-01", "effective_from: 2099-01-01")
    wider = ("age.antidepressant-young", "to_age: 24", "to_age: 60")
    log = await told()
    async with served(log) as console:
        pack = str(folder(tmp_path / "pack", ended, wider))
        text = await console.run("replay-decisions", "--pack", pack, role="analyst")
        lines = await console.run("replay-decisions", "--pack", pack, "--json", role="analyst")
    assert (text.code, lines.code) == (0, 0)
    first, second, third = (json.loads(line)["answer"] for line in lines.out.splitlines())
    assert "ddi.lithium-raas" in {alert["rule"] for alert in first["no_longer_alerts"]}
    assert {alert["rule"] for alert in second["now_alerts"]} == {"age.antidepressant-young"}
    assert not any(third.values())
    said = text.out.splitlines()
    assert said[0].endswith(f"{PATIENT} lithium carbonate: declined")
    assert [line for line in said if line.startswith("  - high ddi.lithium-raas version 1: ")]
    place = next(place for place, line in enumerate(said) if line.endswith("sertraline 50 MG Oral Tablet: issued"))
    assert said[place + 1].startswith("  + moderate age.antidepressant-young version 1: ")
    assert "zelvoritine" not in text.out
    assert "3 orders: 1 answered the same, 1 would now alert, 1 would no longer alert." in text.err


async def test_a_decision_that_its_own_pack_would_not_take_again_is_told_by_exit_code() -> None:
    log = Log()
    *facts, decided = issued(*p.ASSESSED, order=p.SERTRALINE_50)
    assert isinstance(decided, events.PrescriptionIssued)
    screening = replace(decided.capsule.screening, alerts=(p.ALERT,))
    await log.tell(PATIENT, [*facts, replace(decided, capsule=replace(decided.capsule, screening=screening))])
    async with served(log) as console:
        said = await console.run("replay-decisions", role="analyst")
    assert said.code == 3
    assert "1 were decided with this very pack and are answered otherwise" in said.err


async def test_wrong_packs_and_wrong_roles_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    async with served(Log()) as console:
        wrong = await console.run("replay-decisions", "--pack", str(tmp_path / "empty"), role="analyst")
        refused = await console.run("replay-decisions", role="psychiatrist")
        foreign = await console.run("decisions", str(PATIENT), role="analyst")
        nothing = await console.run("replay-decisions", role="analyst")
    assert (wrong.code, refused.code, foreign.code, nothing.code) == (2, 1, 1, 0)
    assert "--pack" in wrong.err
    assert "0 orders" in nothing.err


@pytest.mark.parametrize("as_json", [False, True])
async def test_the_orders_of_a_patient_are_explained(as_json: bool) -> None:
    async with served(await told()) as console:
        said = await console.run("decisions", str(PATIENT), *["--json"] * as_json, role="pharmacist")
        other = await console.run("decisions", str(OTHER_PATIENT), role="pharmacist")
    assert (said.code, other.code) == (0, 0)
    if as_json:
        (decision,) = json.loads(said.out)
        alert = next(one for one in decision["alerts"] if one["rule"] == "ddi.lithium-raas")
        assert decision["reasons"][0] == "high-alert-not-overridden"
        assert all(alert[part] for part in ("mechanism", "source", "action"))
        assert "lisinopril: 45 mg a day, still taken" in alert["evidence"]
    else:
        assert "declined, high-alert-not-overridden" in said.out
        assert "lisinopril: 45 mg a day, still taken" in said.out
        assert "[ddi.lithium-raas version 1]" in said.out
    assert "unknown-drug (zelvoritine 20 MG Oral Tablet)" in other.out


async def test_a_coded_answer_stands_beside_its_alert() -> None:
    facts = (*p.ASSESSED, TAKING_LISINOPRIL)
    (declined,) = issued(*facts, order=LITHIUM)[len(facts) :]
    assert isinstance(declined, events.PrescriptionDeclined)
    reason = OverrideReason.WILL_MONITOR
    screening = declined.capsule.screening
    answers = [
        Override(rule=one.rule, involves=one.involves, reason=reason, comment="level in five days")
        for one in screening.alerts
    ]
    gaps = [f"not-checked:{gap.check}" for gap in screening.not_checked]
    answers += [Override(rule=gap, involves=(), reason=reason) for gap in gaps]
    log = Log()
    await log.tell(PATIENT, issued(*facts, order=LITHIUM, overrides=tuple(answers)))
    async with served(log) as console:
        said = await console.run("decisions", str(PATIENT), role="psychiatrist")
    assert ": issued" in said.out
    assert "gone on with: will-monitor: level in five days" in said.out
    assert "; gone on with: will-monitor" in said.out
