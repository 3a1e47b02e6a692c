"""The consistency token: what a write answers and a later read may ask to have seen. Opaque to clients."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from careloop.kernel.errors import InvalidInput
from careloop.kernel.ids import PatientId

LONGEST = 300


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
