"""Whole lists that replace the one before: what would drop out of the list is not dropped silently."""

from collections.abc import Hashable, Iterable, Mapping

from careloop.contracts.assessment import Allergy, CurrentMedication, Plan
from careloop.contracts.terms import Medicine
from careloop.kernel.errors import NeedsConfirmation
from careloop.knowledge.pack.drugs import ingredients

Entries = Mapping[Hashable, str]
"""What a list holds: what each entry is about, and its name for people."""


def substance(medicine: Medicine) -> Hashable:
    """What is meant, however it is written: the ingredients if they are known, else the words or the code."""
    known = ingredients(medicine.name or None, medicine.rxcui or None)
    return frozenset(known) or medicine.name.casefold() or medicine.rxcui


def allergies_in(listed: Iterable[Allergy]) -> Entries:
    """An allergy that is listed as an intolerance is not the same any more."""
    return {
        (substance(one.substance), one.type): f"{one.substance.name or one.substance.rxcui} ({one.type})"
        for one in listed
    }


def taken_in(listed: Iterable[CurrentMedication]) -> Entries:
    """What is still taken: a medicine that was stopped may leave the list."""
    return {
        substance(one.medicine): one.medicine.name or one.medicine.rxcui for one in listed if one.stopped_on is None
    }


def listed_in(listed: Iterable[CurrentMedication]) -> Entries:
    """What is taken or was stopped."""
    return {substance(one.medicine): one.medicine.name for one in listed}


def planned_in(plan: Plan) -> Entries:
    medicines: dict[Hashable, str] = {substance(one.medicine): one.medicine.name for one in plan.medications}
    return medicines | {text.casefold(): text for text in (*plan.therapies, *plan.goals)}


def require_confirmed(before: Entries, after: Entries, *, confirmed: bool) -> None:
    """Raises NeedsConfirmation with what the new list would drop, unless that was confirmed."""
    dropped = tuple(name for about, name in before.items() if about not in after)
    if dropped and not confirmed:
        raise NeedsConfirmation(entries=dropped)
