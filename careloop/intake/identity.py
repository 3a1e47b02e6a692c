"""Who a FHIR Patient is. The id of a chart derives from an identifier of the source that is one person's.

In this order: the medical record number (type MR), the source's own number of the person (PI, PT, PN), an identifier
without a type, a national or social security number, a passport, a driver's licence. Never a number that a family or an
account shares (payer, subscriber, member, guarantor, account), one that is no longer in use, or a placeholder. FHIR
gives the order of the list no meaning, and neither does this.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from msgspec.structs import replace

from careloop.intake.code_systems import system_of
from careloop.intake.dates import day
from careloop.intake.shapes.elements import Identifier, Period
from careloop.intake.shapes.patients import HumanName, Patient
from careloop.intake.tally import NotUnderstood
from careloop.kernel.ids import PatientId, derived_id

RANKS = {"MR": 0, "PI": 1, "PT": 1, "PN": 1, "": 2, "NI": 3, "SS": 3, "JHN": 3, "PPN": 4, "DL": 5}
"""HL7 v2 table 0203; `""` is an identifier without a type. What is not named here is nobody's identity."""
SHARED = re.compile(
    r"subscri|member|payer|payor|insur|policy|guarantor|account|medicai|medicare|famil|household|billing"
)
RECORD_NUMBER = re.compile(r"\bmrn\b|medical record", re.IGNORECASE)
SOCIAL_SECURITY = re.compile(r"(?!000|666|9)\d{3}-?(?!00)\d{2}-?(?!0000)\d{4}")
PLACEHOLDER = re.compile(
    r"|0+|(.)\1{3,}|.*[xX*]{3}.*|unknown|none(given)?|n/?a|null|test|tbd|pending|missing|refused"
    r"|not?(available|known|applicable|given|assigned|ssn|mrn)|unassigned"
    r"|123456789|987654321|078051120|219099999",
    re.IGNORECASE,
)
USES = {"official": 0, "usual": 1, "": 2, "secondary": 3}
NATIONAL = re.compile(r"NN[A-Z]{2,3}|NI")


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a Patient names: every name it has or had, and the day of birth."""

    names: tuple[frozenset[str], ...]
    born: date

    def agrees(self, name: str, born: date) -> bool:
        """Whether one of the names is that name, a further given name more or less, and the birth date the same."""
        other = _words(name)
        return born == self.born and any(_same(mine, other) for mine in self.names)

    def is_same(self, other: "Person") -> bool:
        return self.born == other.born and any(_same(mine, theirs) for mine in self.names for theirs in other.names)


def person(patient: Patient) -> Person | None:
    """None without a name and a whole date of birth."""
    born = day(patient.birth_date)
    names = tuple(filter(None, (_words(written(name)) for name in patient.name)))
    return Person(names, born) if born is not None and names else None


def written(name: HumanName) -> str:
    """Given names and family name; prefixes are left out, and the digits that generated names end in."""
    parts = [re.sub(r"\d+$", "", part).strip() for part in (*name.given, name.family)]
    return " ".join(filter(None, parts)) or name.text.strip()


def own_ids(patient: Patient, root: str, today: date) -> tuple[PatientId, ...]:
    """The ids that the patient's own identifiers give, the first the one to enrol by; without any, that of the resource
    on its server. Raises NotUnderstood if there is neither."""
    ranked = sorted(
        (rank, USES.get(identifier.use, 9), identifier.system, identifier.value)
        for identifier in patient.identifier
        if (rank := _rank(identifier, today)) is not None
    )
    ids = [_derived(system, value) for _, _, system, value in ranked]
    if not ids and patient.id:
        ids = [_derived(f"{root}/Patient" if root else "", patient.id)]
    if not ids:
        raise NotUnderstood("no-identifier")
    return tuple(dict.fromkeys(ids))


def earlier_ids(patient: Patient) -> tuple[PatientId, ...]:
    """The id by the rule of earlier builds: the first identifier with a system, whatever it is, else the resource's."""
    named = [(one.system, one.value) for one in patient.identifier if one.system and one.value]
    if not named and patient.id:
        named = [("", patient.id)]
    try:
        return (_derived(*named[0]),) if named else ()
    except NotUnderstood:
        return ()


def _rank(identifier: Identifier, today: date) -> int | None:
    """None for what is not one living person's, or no longer."""
    if identifier.use in {"old", "temp"} or ended(identifier.period, today):
        return None
    value = identifier.value.strip()
    if not identifier.system or any(map(PLACEHOLDER.fullmatch, (value, re.sub(r"[\W_]", "", value)))):
        return None
    kind = _kind(identifier)
    if kind == "SS" and not SOCIAL_SECURITY.fullmatch(identifier.value.strip()):
        return None
    return RANKS.get("NI" if NATIONAL.fullmatch(kind) else kind)


def names_one_person(identifier: Identifier) -> bool:
    """Whether a reference by this identifier can mean one person only, whatever the day: the number of a family, of
    one that ends, or a placeholder names nobody."""
    return _rank(replace(identifier, period=None), date.max) is not None and not (
        identifier.period and identifier.period.end
    )


def _kind(identifier: Identifier) -> str:
    """The code of its type; of one without, what its system and words say."""
    system = system_of(identifier.system)
    if system in {"ssn", "medicare"}:
        return {"ssn": "SS"}.get(system, "MC")
    codes = [coding.code for coding in identifier.type.coding if coding.code] if identifier.type else []
    known = [code for code in codes if code in RANKS or NATIONAL.fullmatch(code)]
    if codes:
        return known[0] if known else codes[0]
    words = identifier.type.words if identifier.type else ""
    if SHARED.search(f"{words} {identifier.system}".lower()):
        return "shared"
    return "MR" if RECORD_NUMBER.search(words) else ""


def ended(period: Period | None, today: date) -> bool:
    """Whether the period is over, or has not begun."""
    if period is None:
        return False
    first, last = day(period.start), day(period.end)
    return (last is not None and last < today) or (first is not None and first > today)


def _derived(system: str, value: str) -> PatientId:
    try:
        return PatientId(derived_id("intake", "patient", system, value))
    except ValueError:
        raise NotUnderstood("no-identifier") from None


def _words(name: str) -> frozenset[str]:
    """The parts of a name, however they are written."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    return frozenset(re.findall(r"\w+", plain))


def _same(one: Iterable[str], other: Iterable[str]) -> bool:
    """Whether the shorter of two names lies in the longer, and has at least a given and a family name to say so."""
    shorter, longer = sorted((frozenset(one), frozenset(other)), key=len)
    return shorter == longer or (len(shorter) > 1 and shorter <= longer)
