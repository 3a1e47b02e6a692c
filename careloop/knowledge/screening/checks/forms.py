"""Whether a drug is taken in the form a rule speaks of: by that route, in that dose."""

from dataclasses import dataclass
from decimal import Decimal

from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.pack.shapes.screening import Form
from careloop.knowledge.screening.case import Case, ListedMedication, amount


@dataclass(frozen=True, slots=True)
class Intake:
    """One drug as it is taken or ordered. The dose of a product of several ingredients is the dose of none of them."""

    drug: str
    dose_mg: Decimal | None
    routes: frozenset[str]


def ordered(case: Case, drug: str) -> Intake:
    alone = len(case.ingredients) == 1
    return Intake(drug, amount(case.order.daily_dose_mg) if alone else None, case.routes)


def of(taken: ListedMedication, drug: str) -> Intake:
    alone = len(taken.ingredients) == 1
    return Intake(drug, amount(taken.medication.daily_dose_mg) if alone else None, taken.routes)


def fits(pack: Pack, form: Form, intake: Intake) -> bool | None:
    """None when the dose or route that would decide it was not stated."""
    if form.drugs and not pack.among(intake.drug, form.drugs):
        return False
    known = [_of_route(form, intake), _of_dose(form, intake)]
    return False if False in known else (None if None in known else True)


def _of_route(form: Form, intake: Intake) -> bool | None:
    if not form.routes:
        return True
    return not intake.routes.isdisjoint(form.routes) if intake.routes else None


def _of_dose(form: Form, intake: Intake) -> bool | None:
    if form.from_mg is None and form.up_to_mg is None:
        return True
    if intake.dose_mg is None:
        return None
    enough = form.from_mg is None or intake.dose_mg >= form.from_mg
    return enough and (form.up_to_mg is None or intake.dose_mg <= form.up_to_mg)
