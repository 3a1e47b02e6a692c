"""Allergy: the ordered drug against every entry of the allergy list, by ingredient, molecule and structure."""

import re

from careloop.knowledge.chart import Allergy, AllergyType, Criticality
from careloop.knowledge.findings import Alert, Check, NotChecked, Reason
from careloop.knowledge.pack.drugs import ResolvedDrug, resolve
from careloop.knowledge.pack.index import same_molecule
from careloop.knowledge.pack.shapes.screening import AllergyRule, Relation, SubstanceGroup
from careloop.knowledge.pack.text import plain
from careloop.knowledge.screening.case import Case, CheckResult, alert, doubts, missing

_AROUND = re.compile(
    r"\((?:substance|organism|product|edible|finding|disorder|situation|medication)\)"
    r"|\ballerg(?:y|ic) to\b|\ballergy\b|\bcontaining product\b"
)


def check(case: Case) -> CheckResult:
    """A list that was never asked for is not an empty list."""
    patient = case.chart.patient
    asked = (
        patient.no_known_allergies
        or patient.allergies
        or (patient.allergies is not None and patient.no_known_allergies is None)
    )
    if not asked:
        return missing(Check.ALLERGY, Reason.ALLERGIES_NOT_ASKED)
    founds = [of_entry(case, allergy) for allergy in patient.allergies or ()]
    return CheckResult(
        tuple(found for entry in founds for found in entry.alerts),
        tuple(gap for entry in founds for gap in entry.not_checked),
        frozenset({Check.ALLERGY}),
    )


def of_entry(case: Case, allergy: Allergy) -> CheckResult:
    """What one entry of the list says about the order."""
    text = " ".join(_AROUND.sub(" ", plain(allergy.substance or "")).split())
    group = next((group for group in case.pack.groups if text in group.also), None)
    if group is not None:
        return CheckResult(tuple(_of_group(case, allergy, group)))
    if (known := case.pack.not_drugs.get(text)) is not None:
        return missing(Check.ALLERGY, Reason.EXCIPIENTS_NOT_IN_PACK, text) if known.excipient else CheckResult()
    drug = resolve(text or None, allergy.rxcui, case.pack)
    if not isinstance(drug, ResolvedDrug):
        reason = Reason.UNKNOWN_SUBSTANCE if drug.reason is Reason.UNKNOWN_DRUG else drug.reason
        return missing(Check.ALLERGY, reason, allergy.substance or drug.subject)
    gaps = tuple(NotChecked(check=Check.ALLERGY, reason=reason, subject=subject) for reason, subject in doubts(drug))
    alerts = [found for other in drug.ingredients for found in _of_drug(case, allergy, other)]
    return CheckResult(tuple(alerts), gaps)


def _of_group(case: Case, allergy: Allergy, group: SubstanceGroup) -> list[Alert]:
    members = [(drug, Relation.SAME) for drug in case.concerned(group.members)]
    cautions = [(drug, Relation.CAUTION) for drug in case.concerned(group.cautions)]
    return [
        found
        for drug, relation in members + cautions
        for found in _alerts_about(case, allergy, drug, group.name, relation)
    ]


def _of_drug(case: Case, allergy: Allergy, other: str) -> list[Alert]:
    return [
        found
        for ordered in case.ingredients
        if (relation := _relation(case, ordered, other)) is not None
        for found in _alerts_about(case, allergy, ordered, other, relation)
    ]


def _relation(case: Case, ordered: str, other: str) -> Relation | None:
    """The closest way in which an allergy to `other` concerns `ordered`."""
    pack = case.pack
    if same_molecule(pack, ordered, other):
        return Relation.SAME
    found = None
    for group in pack.groups:
        ordered_in, other_in = pack.among(ordered, group.members), pack.among(other, group.members)
        if ordered_in and other_in:
            return Relation.RELATED
        if (ordered_in and pack.among(other, group.cautions)) or (other_in and pack.among(ordered, group.cautions)):
            found = Relation.CAUTION
    return found


def _alerts_about(case: Case, allergy: Allergy, ordered: str, other: str, relation: Relation) -> list[Alert]:
    rules = [rule for rule in case.pack.allergies if case.in_force(rule) and _holds(rule, allergy, relation)]
    return [alert(rule, Check.ALLERGY, ordered, other) for rule in rules]


def _holds(rule: AllergyRule, allergy: Allergy, relation: Relation) -> bool:
    """An unknown type is an allergy, an unknown criticality could not be assessed."""
    kind = allergy.type or AllergyType.ALLERGY
    criticality = allergy.criticality or Criticality.UNABLE_TO_ASSESS
    return rule.relation is relation and rule.type is kind and (not rule.criticality or criticality in rule.criticality)
