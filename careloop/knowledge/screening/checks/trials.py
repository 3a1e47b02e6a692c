"""Prior trial: the ordered drug failed in a fair trial before, or was not tolerated."""

from decimal import Decimal

from careloop.knowledge.chart import StoppedFor, Trial, TrialResponse
from careloop.knowledge.findings import Check, NotChecked, Reason
from careloop.knowledge.pack.drugs import ResolvedDrug, resolve
from careloop.knowledge.pack.shapes.screening import TrialOutcome, TrialRule
from careloop.knowledge.screening.case import Case, CheckResult, alert, amount, doubts, missing

_STOPPED = {StoppedFor.INTOLERANCE: TrialOutcome.NOT_TOLERATED, StoppedFor.ALLERGY: TrialOutcome.ALLERGIC}


def check(case: Case) -> CheckResult:
    """Trials of the same ingredient; one whose drug is not known may be of it."""
    if case.chart.trials is None:
        return missing(Check.PRIOR_TRIAL, Reason.TRIALS_NOT_RECORDED)
    founds = [_trial(case, trial) for trial in case.chart.trials]
    return CheckResult(
        tuple(found for trial in founds for found in trial.alerts),
        tuple(gap for trial in founds for gap in trial.not_checked),
        frozenset({Check.PRIOR_TRIAL}),
    )


def _trial(case: Case, trial: Trial) -> CheckResult:
    tried = resolve(trial.name, trial.rxcui, case.pack)
    gaps = [NotChecked(check=Check.PRIOR_TRIAL, reason=reason, subject=subject) for reason, subject in doubts(tried)]
    again = [drug for drug in case.ingredients if isinstance(tried, ResolvedDrug) and drug in tried.ingredients]
    rules = [rule for rule in case.pack.trials if case.in_force(rule)]
    alerts = []
    for drug in again:
        adequate = case.pack.drugs[drug].adequate_mg
        held = [_holds(rule, trial, adequate) for rule in rules]
        alerts += [alert(rule, Check.PRIOR_TRIAL, drug) for rule, holds in zip(rules, held, strict=True) if holds]
        if any(holds is None for holds in held):
            gaps.append(NotChecked(check=Check.PRIOR_TRIAL, reason=Reason.TRIAL_DETAILS_MISSING, subject=drug))
    return CheckResult(tuple(alerts), tuple(gaps))


def _holds(rule: TrialRule, trial: Trial, adequate_mg: Decimal | None) -> bool | None:
    """Whether the trial ended as the rule says; None when what was stated does not decide it."""
    if rule.outcome is not TrialOutcome.FAILED:
        return trial.stopped_for is not None and _STOPPED.get(trial.stopped_for) is rule.outcome
    fair = _fair(trial, rule, adequate_mg)
    helped = _helped(trial)
    if fair is False or helped:
        return False
    return None if fair is None or helped is None else True


def _helped(trial: Trial) -> bool | None:
    if trial.stopped_for is StoppedFor.INEFFICACY or trial.response is TrialResponse.NONE:
        return False
    if trial.response in (None, TrialResponse.UNKNOWN):
        return None if trial.stopped_for in (None, StoppedFor.OTHER) else True
    return True


def _fair(trial: Trial, rule: TrialRule, adequate_mg: Decimal | None) -> bool | None:
    """Long enough at a dose that can work; a dose that is unknown to the pack is not held against the trial."""
    weeks, dose = amount(trial.weeks), amount(trial.daily_dose_mg)
    if weeks is not None and rule.at_least_weeks is not None and weeks < rule.at_least_weeks:
        return False
    if dose is not None and adequate_mg is not None and dose < adequate_mg:
        return False
    return None if weeks is None or (dose is None and adequate_mg is not None) else True
