"""What the demo says of its orders: how many were checked in full, and whether each is answered again as it was."""

from care.prescribing.v1 import prescribing_pb2 as pb

from careloop.demo.order_checks import covered, same_again
from services.prescribing.domain.past import as_decided
from services.prescribing.grpc_api.past import decision_message
from services.prescribing.replay import Recorded
from tests.support.controls import prescribing as p
from tests.support.controls.moments import NOON, PATIENT, TODAY
from tests.support.histories.courses import decisions, issued, prescription


def decided(name: str, mg: str) -> pb.PastDecision:
    """The order of this medicine for a man about whom everything is known."""
    course = issued(*p.ASSESSED, order=prescription(name, mg))
    (decision,) = decisions(course)
    past = as_decided(decision, course, TODAY)
    return decision_message(Recorded(position=1, patient_id=PATIENT, past=past, recorded_at=NOON, struck=False))


CLEAR, TOO_MUCH, UNKNOWN = decided("sertraline", "50"), decided("sertraline", "300"), decided("zelvoritine", "20")


def test_orders_are_counted_with_what_kept_them_from_being_checked_in_full() -> None:
    assert covered([CLEAR, TOO_MUCH, UNKNOWN]).splitlines() == [
        "3 orders: 2 checked in full (67%), 1 of them clear; 1 with alerts. Not checked, because of",
        "  unknown-drug: age in 1, allergy in 1, controlled-substance in 1, and 9 more checks",
    ]
    assert covered([]).startswith("0 orders: 0 checked in full (none)")


def test_orders_answered_as_they_were_hold_and_another_answer_is_found() -> None:
    assert same_again([CLEAR, TOO_MUCH, UNKNOWN]).holds
    tampered = pb.PastDecision.FromString(TOO_MUCH.SerializeToString())
    del tampered.screening.alerts[:]
    assert same_again([CLEAR, tampered]).wrong == ("pair 2 differs",)
