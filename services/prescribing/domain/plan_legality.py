"""What the checker says of a dose plan that is to be signed: legal, and answered where it wants an answer."""

from dataclasses import replace
from datetime import date

from careloop.contracts.prescribing import CheckCapsule, Override, OverrideReason
from careloop.kernel.errors import RuleViolated
from careloop.knowledge.dosing.checker.findings import PlanCheck, PlanFinding
from careloop.knowledge.findings import Check
from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.screening.overriding import Unfit, unfit
from services.prescribing.domain.readings.numbered import LATEST
from services.prescribing.domain.state import PrescriptionChart


def require_legal(check: PlanCheck) -> None:
    """Raises RuleViolated `plan-not-legal`, with the first violation, and `plan-not-checked`, with the first gap."""
    if check.violations:
        first = check.violations[0]
        details = {"constraint": str(first.constraint), "rule": first.rule, "day": first.day.isoformat()}
        figures = {"found": first.found, "allowed": first.allowed}
        details |= {name: f"{value.normalize():f}" for name, value in figures.items() if value is not None}
        details |= {"drug": first.drug, "unit": first.unit, "violations": str(len(check.violations))}
        sentence = "The schedule breaks a constraint; see violations."
        raise RuleViolated("plan-not-legal", sentence, field="segments", details=details)
    if check.legal is None:
        gap = check.not_checked[0]
        details = {"constraint": str(gap.constraint), "reason": gap.reason, "gaps": str(len(check.not_checked))}
        sentence = "Something of the schedule could not be judged: record what is missing, and sign it then."
        raise RuleViolated("plan-not-checked", sentence, field="segments", details=details)


def answered(overrides: tuple[Override, ...], check: PlanCheck, drugs: set[str], on: date) -> tuple[Override, ...]:
    """Of the overrides those that answer what the checker wants answered, each with all the drugs of what it answers.

    Raises RuleViolated `plan-not-answered` with the first that is not.
    """
    counting: list[Override] = []
    for found in check.to_answer:
        about = [one for one in overrides if one.rule == found.rule and _is_about(one, found)]
        faults = [fault for one in about if (fault := _fault(one, found, drugs, on)) is not None]
        if len(faults) == len(about):
            details = {"rule": found.rule, "constraint": str(found.constraint), "day": found.day.isoformat()}
            details |= {"why": faults[0]} if faults else {}
            sentence = "What the checker found is to be answered with a coded reason."
            raise RuleViolated("plan-not-answered", sentence, field="overrides", details=details)
        counting += [replace(one, involves=found.involves) for one in about if _fault(one, found, drugs, on) is None]
    return tuple(dict.fromkeys(counting))


def _is_about(override: Override, found: PlanFinding) -> bool:
    return not override.involves or set(override.involves) == set(found.involves)


def _fault(override: Override, found: PlanFinding, drugs: set[str], on: date) -> str | None:
    """Why the answer does not count. That two drugs cross answers that they are of one kind, and nothing else."""
    pack = current_pack()
    duplicate = found.rule in {rule.id for rule in pack.duplicates}
    if override.reason is OverrideReason.CROSS_TAPER and not (duplicate and set(found.involves) <= drugs):
        return str(Unfit.REASON_DOES_NOT_FIT)
    interaction = found.rule in {rule.id for rule in pack.interactions}
    kind = Check.DUPLICATE_THERAPY if duplicate else Check.DRUG_DRUG if interaction else ""
    fault = unfit(kind, override.reason, override.comment, on)
    return None if fault is None else str(fault)


def capsule_of(check: PlanCheck, chart: PrescriptionChart, as_of: date) -> CheckCapsule:
    """What the checker stood on: folding that many events and judging again gives the same answer."""
    return CheckCapsule(
        knowledge_pack=check.knowledge.pack,
        knowledge_version=check.knowledge.version,
        knowledge_digest=check.knowledge.digest,
        stream_version=chart.version,
        as_of=as_of,
        reading=LATEST.number,
    )
