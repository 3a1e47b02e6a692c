"""Who may complete an assessment and who may prescribe: a credential, on the day that counts."""

from dataclasses import dataclass
from datetime import datetime

from careloop.kernel.errors import NotAllowed

PRESCRIBING_KINDS = frozenset({"psychiatrist", "psychiatric-nurse-practitioner"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A professional licence as its issuer signed it."""

    kind: str
    valid_from: datetime
    valid_until: datetime

    def covers(self, moment: datetime) -> bool:
        """Whether it is valid at `moment`; both ends belong to it."""
        return self.valid_from <= moment <= self.valid_until


def require_prescriber(credential: Credential | None, *moments: datetime) -> Credential:
    """The credential, if it is a prescriber's and valid at every one of `moments`. Raises NotAllowed otherwise."""
    if credential is None or credential.kind not in PRESCRIBING_KINDS:
        raise NotAllowed(
            "credential-required",
            "Only a psychiatrist or a psychiatric nurse practitioner with a credential may do this.",
        )
    if not all(credential.covers(moment) for moment in moments):
        raise NotAllowed(
            "credential-not-valid", "The credential must be valid both when it happened and when it is recorded."
        )
    return credential
