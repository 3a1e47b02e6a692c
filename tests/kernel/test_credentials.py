"""Who may prescribe: the kind of the credential, and its days, both ends included."""

from datetime import UTC, datetime, timedelta

import pytest

from careloop.kernel.credentials import Credential, require_prescriber
from careloop.kernel.errors import NotAllowed

FROM, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


def credential(kind: str) -> Credential:
    return Credential(kind=kind, valid_from=FROM, valid_until=UNTIL)


@pytest.mark.parametrize("kind", ["psychiatrist", "psychiatric-nurse-practitioner"])
def test_a_prescriber_within_the_days_of_the_credential(kind: str) -> None:
    held = credential(kind)
    assert require_prescriber(held, FROM, UNTIL) is held


@pytest.mark.parametrize("kind", ["therapist", "pharmacist", "nurse-practitioner", ""])
def test_nobody_else(kind: str) -> None:
    with pytest.raises(NotAllowed) as refused:
        require_prescriber(credential(kind), FROM)
    told = "Only a psychiatrist or a psychiatric nurse practitioner with a credential may do this."
    assert (refused.value.slug, refused.value.sentence) == ("credential-required", told)


def test_not_without_a_credential() -> None:
    with pytest.raises(NotAllowed) as refused:
        require_prescriber(None, FROM)
    assert refused.value.slug == "credential-required"


@pytest.mark.parametrize(
    "moments", [(FROM - MOMENT,), (UNTIL + MOMENT,), (FROM, UNTIL + MOMENT), (FROM - MOMENT, FROM)]
)
def test_not_before_not_after_and_not_at_one_of_two_moments(moments: tuple[datetime, ...]) -> None:
    with pytest.raises(NotAllowed) as refused:
        require_prescriber(credential("psychiatrist"), *moments)
    told = "The credential must be valid both when it happened and when it is recorded."
    assert (refused.value.slug, refused.value.sentence) == ("credential-not-valid", told)
