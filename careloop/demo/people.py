"""Who acts in the demo. The persons are invented; their licences are claims of tokens that the local issuer signs."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from careloop.cli.calling.client import Caller, Licence
from careloop.contracts.terms import Role

LICENSED_FROM = datetime(2015, 1, 1, tzinfo=UTC)
LICENSED_UNTIL = datetime(2099, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person of every demo patient's care team."""

    caller: Caller
    name: str

    @property
    def email(self) -> str:
        return f"{self.caller.subject}@careloop.invalid"


def _licensed(role: Role, subject: str) -> Caller:
    licence = Licence(kind=role.value, valid_from=LICENSED_FROM, valid_until=LICENSED_UNTIL)
    return Caller(role=role, subject=subject, licence=licence)


PRESCRIBER = Member(caller=_licensed(Role.PSYCHIATRIST, "dr-okafor"), name="Ada Okafor, MD")
SECOND_PRESCRIBER = Member(
    caller=_licensed(Role.PSYCHIATRIC_NURSE_PRACTITIONER, "np-lindqvist"), name="Maja Lindqvist, PMHNP"
)
THERAPIST = Member(caller=Caller(role=Role.THERAPIST, subject="lcsw-barros"), name="Ivo Barros, LCSW")
CARE_MANAGER = Member(caller=Caller(role=Role.CARE_MANAGER, subject="cm-haddad"), name="Noor Haddad, RN")

TEAM = (PRESCRIBER, SECOND_PRESCRIBER, CARE_MANAGER, THERAPIST)


def client(patient: UUID) -> Caller:
    """The patient, calling in their own name."""
    return Caller(role=Role.CLIENT, subject=f"client-{str(patient)[:8]}", patient=patient)
