"""Files as people have them: bundles, single resources, bulk exports, packed or not; and those that are none of it."""

import gzip
import json
import os
from pathlib import Path

import pytest

from careloop.cli.commands.intake import files_in
from careloop.intake.files import NotReadable, documents
from careloop.intake.reading import FhirReader
from careloop.intake.tally import Tally
from tests.support.histories import fhir
from tests.support.histories.fhir import Json
from tests.support.histories.taken_in import lines, sent, taken_in, to_look_at

BUNDLE = fhir.bundle(fhir.patient(), fhir.allergy())
RESOURCES = (fhir.patient(), fhir.allergy())


def recorded(*files: bytes) -> list[set[str]]:
    found, _ = taken_in(*files)
    return [set(sent(facts)) for facts in found]


@pytest.mark.parametrize(
    "files",
    [
        (BUNDLE,),
        (b"\xef\xbb\xbf" + BUNDLE,),
        (gzip.compress(BUNDLE),),
        (gzip.compress(BUNDLE[:50]) + gzip.compress(BUNDLE[50:]),),
        (json.dumps(json.loads(BUNDLE), indent=2).encode(),),
        (lines(*RESOURCES),),
        (lines(*RESOURCES) + b"\n\n",),
        (lines(*RESOURCES).replace(b"\n", b"\r\n"),),
        (lines(RESOURCES[0]), gzip.compress(lines(RESOURCES[1]))),
        (lines(RESOURCES[1]), lines(RESOURCES[0])),
        (lines(json.loads(BUNDLE), json.loads(BUNDLE)),),
    ],
)
def test_one_content_is_one_chart_in_whatever_form(files: tuple[bytes, ...]) -> None:
    found = recorded(*files)
    assert found[0] == {"EnrollPatient", "RecordAllergies"}
    assert len(found) == (2 if files[0].count(b'"Bundle"') > 1 else 1)


def test_a_single_resource_is_taken_in() -> None:
    assert recorded(lines(fhir.patient())) == [{"EnrollPatient"}]


def test_a_line_that_cannot_be_read_is_counted_and_the_others_are_read() -> None:
    found, tally = taken_in(lines(*RESOURCES) + b'\n{"resourceType": \n[1]')
    assert [set(sent(facts)) for facts in found] == [{"EnrollPatient", "RecordAllergies", "RecordListGaps"}]
    assert to_look_at(tally) == [("1.json:3", "unknown", "malformed"), ("1.json:4", "unknown", "malformed")]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \n", "empty"),
        (BUNDLE.decode().encode("utf-16"), "not UTF-8"),
        (BUNDLE.decode().encode("utf-32-be"), "not JSON"),
        (BUNDLE.replace(b"Alma", b"Alm\xe1"), "not UTF-8"),
        (b"resourceType,id", "not JSON"),
        (b"a line\nand another", "not JSON"),
        (BUNDLE[:-1], "not JSON"),
        (b"<Bundle/>", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a": 1}', "not a FHIR resource"),
        (b"[]", "not a FHIR resource"),
        (gzip.compress(BUNDLE)[:-9], "gzip ends too early"),
        (gzip.compress(BUNDLE)[:-8] + b"\0" * 8, "damaged gzip"),
    ],
)
def test_a_file_of_which_nothing_can_be_read_says_why(content: bytes, why: str) -> None:
    with pytest.raises(NotReadable) as refused:
        taken_in(content)
    assert refused.value.why == why


def test_a_file_unpacks_no_further_than_allowed() -> None:
    bomb = gzip.compress(b" " * 5_000_000)
    with pytest.raises(NotReadable, match="unpacks to more than 1 MiB"):
        documents(bomb, largest=2**20)
    with pytest.raises(NotReadable, match="larger than 1 MiB"):
        documents(b" " * (2**20 + 1), largest=2**20)
    (document,) = documents(gzip.compress(BUNDLE), largest=len(BUNDLE))
    assert document.content == BUNDLE
    with pytest.raises(NotReadable):
        documents(gzip.compress(BUNDLE), largest=len(BUNDLE) - 1)


@pytest.mark.parametrize(
    ("resource", "release"),
    [
        (fhir.statement(taken="n"), "FHIR STU3"),
        (fhir.allergy(clinicalStatus="active"), "FHIR STU3 or DSTU2"),
        (fhir.condition(clinicalStatus="active"), "FHIR STU3 or DSTU2"),
        (fhir.allergy(assertedDate="2026-01-01"), "FHIR STU3"),
        (fhir.medication(context={"reference": "Encounter/1"}), "FHIR STU3"),
        (fhir.condition(dateRecorded="2026-01-01"), "FHIR DSTU2"),
        (fhir.statement(wasNotTaken=True), "FHIR DSTU2"),
        (fhir.medication(medication={"concept": {"text": "lithium"}}), "FHIR R5"),
        (fhir.allergy(type={"coding": [{"code": "allergy"}]}), "FHIR R5"),
        (fhir.total(triggeredBy=[]), "FHIR R5"),
    ],
)
def test_a_file_of_another_release_is_named_and_not_read(resource: Json, release: str) -> None:
    for content in (fhir.bundle(fhir.patient(), resource), lines(fhir.patient(), resource)):
        tally = Tally()
        with pytest.raises(NotReadable) as refused:
            FhirReader(tally).read(content)
        assert (refused.value.why, tally.read) == (f"{release}, not R4", 0)


def test_folders_are_searched_for_what_may_hold_resources(tmp_path: Path) -> None:
    wanted = ["a.json", "b.ndjson", "c.jsonl", "d.json.gz", "e.NDJSON.gz", "f/g.json"]
    (tmp_path / "f").mkdir()
    (tmp_path / "folder.json").mkdir()
    for name in (*wanted, "h.xml", "i.txt", "digest"):
        (tmp_path / name).write_text("{}")
    assert [str(file.relative_to(tmp_path)) for file in files_in([tmp_path])] == wanted
    named = tmp_path / "i.txt"
    assert list(files_in([named])) == [named]


def test_a_pipe_has_no_end_and_is_found_like_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "endless.json")
    assert list(files_in([tmp_path])) == [tmp_path / "endless.json"]


def search(*resources: Json, page: int = 1, following: int | None = None) -> bytes:
    """What a server answers to a search: resources under their full URLs, and where the next page is."""
    entries = [
        {"fullUrl": f"https://a.example/fhir/{one['resourceType']}/{one.get('id', number)}", "resource": one}
        for number, one in enumerate(resources)
    ]
    links = [{"relation": "self", "url": f"https://a.example/fhir?page={page}"}]
    links += [{"relation": "next", "url": f"https://a.example/fhir?page={following}"}] if following else []
    return json.dumps({"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries}).encode()


OF_ALMA = {"patient": {"reference": "Patient/alma"}}
PENICILLIN, LATEX = fhir.allergy(id="p", **OF_ALMA), fhir.allergy({"text": "latex"}, id="l", **OF_ALMA)


def test_what_searches_answered_refers_to_each_other_over_the_files_of_a_folder() -> None:
    found, tally = taken_in(search(fhir.patient()), search(PENICILLIN, page=2), search(LATEX, page=3))
    ((facts,), asked) = (found, [one.reason for one in tally.attention])
    assert len(sent(facts)["RecordAllergies"].allergies) == 2
    assert asked == []


def test_a_search_whose_next_page_is_missing_leaves_the_list_incomplete() -> None:
    first = search(fhir.patient(), PENICILLIN, following=2)
    ((facts,), tally) = taken_in(first)
    gaps = sent(facts)["RecordListGaps"]
    assert (gaps.list, gaps.left_out) == ("allergies", 1)
    assert to_look_at(tally) == [("1.json:1", "Bundle", "next-page-missing")]
    ((facts,), tally) = taken_in(first, search(LATEX, page=2))
    assert ("RecordListGaps" in sent(facts), to_look_at(tally)) == (False, [])


def test_a_page_of_nobody_known_is_reported() -> None:
    _, tally = taken_in(search(PENICILLIN, following=2))
    assert ("1.json:1", "Bundle", "next-page-missing") in to_look_at(tally)


def test_the_answer_to_a_batch_is_read_with_the_bundles_in_it() -> None:
    inner = [json.loads(search(fhir.patient())), json.loads(search(PENICILLIN, page=2))]
    batch = {"resourceType": "Bundle", "type": "batch-response", "entry": [{"resource": one} for one in inner]}
    assert recorded(json.dumps(batch).encode()) == [{"EnrollPatient", "RecordAllergies"}]


def test_bundles_are_opened_to_a_depth_and_reported_beyond_it() -> None:
    whole = json.loads(BUNDLE)
    for _ in range(2):
        whole = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": whole}]}
    assert recorded(json.dumps(whole).encode()) == [{"EnrollPatient", "RecordAllergies"}]
    deeper = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": whole}]}
    found, tally = taken_in(json.dumps(deeper).encode())
    assert (found, to_look_at(tally)) == ([], [("1.json:1", "Bundle", "bundle-in-bundle")])
