"""What a write answers, and what a later read may ask to have seen."""

from uuid import UUID

import pytest

from careloop.chassis.events.consistency_token import MOST_TOKENS, ConsistencyToken, at_least
from careloop.chassis.events.partitioner import partition_of
from careloop.kernel.errors import InvalidInput
from careloop.kernel.ids import PatientId

PATIENT = PatientId(UUID("0f1e2d3c-4b5a-4968-8776-655443322110"))
TOKEN = ConsistencyToken(service="assessment", partition=3, position=41, patient_id=PATIENT)


def test_a_consistency_token_comes_back() -> None:
    assert ConsistencyToken.parse(TOKEN.encode()) == TOKEN


@pytest.mark.parametrize(
    "garbage", ["", "x", "é", "YTpiOmM6ZA==", TOKEN.encode() + "AA", TOKEN.encode()[:-4], "A" * 999]
)
def test_anything_else_is_no_consistency_token(garbage: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        ConsistencyToken.parse(garbage, field="at_least")
    assert refusal.value.field == "at_least"


SERVICES = ("assessment", "monitoring")


def test_what_an_answer_must_have_seen_is_read_from_its_tokens() -> None:
    assert at_least([TOKEN.encode()], PATIENT, SERVICES) == [TOKEN]


@pytest.mark.parametrize(
    ("texts", "patient", "services", "slug", "field"),
    [
        ([TOKEN.encode(), "x"], PATIENT, SERVICES, "token-malformed", "at_least[1]"),
        ([TOKEN.encode()], PatientId(UUID(int=1)), SERVICES, "token-of-another-patient", "at_least[0]"),
        ([TOKEN.encode()], PATIENT, ("monitoring",), "token-of-another-service", "at_least[0]"),
        ([TOKEN.encode()] * (MOST_TOKENS + 1), PATIENT, SERVICES, "list-too-long", "at_least"),
    ],
)
def test_a_token_that_could_never_be_seen_is_refused(
    texts: list[str], patient: PatientId, services: tuple[str, ...], slug: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        at_least(texts, patient, services)
    assert (refusal.value.slug, refusal.value.field) == (slug, field)


def test_a_patient_has_one_partition_for_ever() -> None:
    assert partition_of(PATIENT, 6) == 4
    assert partition_of(PATIENT, 1) == 0
