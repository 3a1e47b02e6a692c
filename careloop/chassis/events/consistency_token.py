"""The consistency token: what a write answers and a later read may ask to have seen. Opaque to clients."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from careloop.kernel.errors import InvalidInput
from careloop.kernel.ids import PatientId

LONGEST = 300
MOST_TOKENS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsistencyToken:
    """The last published position of a patient in a service's log up to one command, and the partition it went to."""

    service: str
    partition: int
    position: int
    patient_id: PatientId

    def encode(self) -> str:
        text = f"{self.service}:{self.partition}:{self.position}:{self.patient_id}"
        return urlsafe_b64encode(text.encode()).decode()

    @classmethod
    def parse(cls, text: str, *, field: str = "at_least") -> Self:
        """The token that `encode` made. Raises InvalidInput naming `field` for anything else."""
        try:
            token = cls._parsed(text)
        except ValueError:
            token = None
        if token is None or token.encode() != text:
            raise InvalidInput("token-malformed", f"{field} is not a consistency token.", field=field)
        return token

    @classmethod
    def _parsed(cls, text: str) -> Self:
        if len(text) > LONGEST:
            raise ValueError("too long")
        service, partition, position, patient = urlsafe_b64decode(text.encode("ascii")).decode("ascii").split(":")
        if not (service and partition.isdecimal() and position.isdecimal()):
            raise ValueError("not a token")
        return cls(
            service=service, partition=int(partition), position=int(position), patient_id=PatientId(UUID(patient))
        )


def at_least(texts: Sequence[str], patient_id: PatientId, services: Collection[str]) -> list[ConsistencyToken]:
    """The writes that an answer about one patient must have seen, as the request's `at_least` names them.

    `services` are those the answer stands on: a token of any other could never be waited for. Raises InvalidInput for
    that, for a token of another patient, for more than 20 tokens, and for what is not a token.
    """
    if len(texts) > MOST_TOKENS:
        raise InvalidInput("list-too-long", f"at_least has at most {MOST_TOKENS} tokens.", field="at_least")
    tokens = [ConsistencyToken.parse(text, field=f"at_least[{index}]") for index, text in enumerate(texts)]
    for index, token in enumerate(tokens):
        _require_about(token, patient_id, services, f"at_least[{index}]")
    return tokens


def _require_about(token: ConsistencyToken, patient_id: PatientId, services: Collection[str], field: str) -> None:
    if token.patient_id != patient_id:
        raise InvalidInput("token-of-another-patient", f"{field} names a write about another patient.", field=field)
    if token.service not in services:
        raise InvalidInput(
            "token-of-another-service",
            f"{field} is of a service that this answer does not stand on; it stands on {', '.join(sorted(services))}.",
            field=field,
        )
