"""Of several versions of a resource the newest stands."""

import json
from typing import Any

import pytest

from tests.support.histories import fhir
from tests.support.histories.fhir import Json
from tests.support.histories.taken_in import lines, sent, taken_in

FULL_URL = "http://e.org/fhir/MedicationRequest/r"


def version(status: str, version_id: str = "", updated: str = "") -> Json:
    meta = {"versionId": version_id, "lastUpdated": updated}
    return fhir.medication(id="r", status=status, meta={name: said for name, said in meta.items() if said})


def bundled(*entries: Json, kind: str = "collection") -> bytes:
    patient = {"fullUrl": "urn:uuid:alma", "resource": fhir.patient()}
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": [patient, *entries]}).encode()


def entry(resource: Json) -> Json:
    return {"fullUrl": FULL_URL, "resource": resource}


def deletion(**more: Any) -> Json:
    return {"fullUrl": FULL_URL, "request": {"method": "DELETE", "url": "MedicationRequest/r"}} | more


def what_is_taken(content: bytes) -> tuple[bool, list[str], list[str]]:
    ((facts,), tally) = taken_in(content)
    reasons = [[why for _, why in counted.elements()] for counted in (tally.not_used, tally.not_understood)]
    return "ReconcileMedications" in sent(facts), reasons[0], reasons[1]


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (("active", "1"), ("stopped", "2")),
        (("active", "9"), ("stopped", "10")),
        (("active", "2", "2026-08-01T00:00:00Z"), ("stopped", "1", "2026-08-02T00:00:00Z")),
        (("active", "a", "2026-08-01T00:00:00Z"), ("stopped", "b", "2026-08-01T00:00:01Z")),
    ],
)
def test_the_newest_by_time_or_number_stands_in_whatever_order(older: tuple[str, ...], newer: tuple[str, ...]) -> None:
    pair = [entry(version(*older)), entry(version(*newer))]
    for entries in (pair, pair[::-1]):
        assert what_is_taken(bundled(*entries)) == (False, ["older-version"], [])
    assert what_is_taken(bundled(entry(version("active", "99", "2026-09-01T00:00:00Z")), *pair))[0] is True


def test_a_version_that_strikes_the_resource_strikes_it() -> None:
    pair = [entry(version("active", "1")), entry(version("entered-in-error", "2"))]
    assert what_is_taken(bundled(*pair)) == (False, ["older-version", "status-entered-in-error"], [])


def test_a_history_lists_the_newest_first_where_nothing_else_says_so() -> None:
    pair = [entry(version("stopped")), entry(version("active"))]
    assert what_is_taken(bundled(*pair, kind="history")) == (False, ["older-version"], [])
    assert what_is_taken(bundled(*pair[::-1], kind="history"))[0] is True


def test_a_deleted_resource_is_gone_until_it_is_made_again() -> None:
    active = entry(version("active"))
    assert what_is_taken(bundled(deletion(), active, kind="history")) == (False, ["deleted", "deleted"], [])
    assert what_is_taken(bundled(active, deletion(), kind="history"))[0] is True
    assert what_is_taken(bundled(active, deletion())) == (False, ["deleted", "deleted"], [])
    later = deletion(response={"lastModified": "2026-08-02T00:00:00Z"})
    dated = entry(version("active", "1", "2026-08-01T00:00:00Z"))
    again = entry(version("active", "1", "2026-08-03T00:00:00Z"))
    assert what_is_taken(bundled(dated, later))[0] is False
    assert what_is_taken(bundled(later, again))[0] is True


def test_an_entry_that_only_asks_or_answers_holds_nothing() -> None:
    asks = {"request": {"method": "GET", "url": "Patient/1"}}
    assert what_is_taken(bundled(asks, {"response": {"status": "204"}})) == (False, ["entry-without-resource"] * 2, [])
    assert what_is_taken(bundled({"fullUrl": FULL_URL})) == (False, [], ["malformed"])


def test_versions_of_which_nobody_can_say_the_newest_are_left_out_and_the_list_is_incomplete() -> None:
    taken, _, not_understood = what_is_taken(bundled(entry(version("active")), entry(version("stopped"))))
    assert (taken, not_understood) == (False, ["versions-of-unknown-order"] * 2)
    ((facts,), _) = taken_in(bundled(entry(version("active")), entry(version("stopped"))))
    assert sent(facts)["RecordListGaps"].left_out == 2


def test_the_same_twice_is_once() -> None:
    assert what_is_taken(bundled(entry(version("active")), entry(version("active")))) == (True, ["older-version"], [])


def test_one_id_on_two_servers_is_two_resources() -> None:
    other = entry(version("stopped")) | {"fullUrl": FULL_URL.replace("e.org", "f.org")}
    assert what_is_taken(bundled(entry(version("active")), other))[0] is True


def test_versions_are_found_over_the_files_of_a_folder() -> None:
    ((facts,), _) = taken_in(lines(fhir.patient(), version("active", "1")), lines(version("stopped", "2"), {}))
    assert "ReconcileMedications" not in sent(facts)
