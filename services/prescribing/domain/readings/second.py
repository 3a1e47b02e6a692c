"""The second reading, by which this build decides."""

from careloop.contracts.prescribing import Order
from careloop.kernel.restating import restating
from careloop.knowledge import chart as known
from careloop.knowledge.findings import Check, NotChecked, Reason
from services.prescribing.domain.indications import indication_of
from services.prescribing.domain.noted import (
    AllergiesNoted,
    GenotypesNoted,
    HistoryNoted,
    ListGapsNoted,
    MedicationsNoted,
    PregnancyNoted,
    ProfileNoted,
    ResultsNoted,
    SmokingNoted,
    SuicideRiskNoted,
)
from services.prescribing.domain.readings.first import not_recorded as first_not_recorded
from services.prescribing.domain.readings.reading import Asking, Reading
from services.prescribing.domain.readings.second_course import conditions, reactions, trials
from services.prescribing.domain.readings.second_medicines import prescribed, reconciled
from services.prescribing.domain.readings.second_reasons import reasons
from services.prescribing.domain.regimens import most_of

READS_LIST: dict[str, tuple[Check, ...]] = {
    "medications": (Check.DRUG_DRUG, Check.WASHOUT, Check.DUPLICATE_THERAPY),
    "allergies": (Check.ALLERGY,),
    "history": (Check.DRUG_CONDITION, Check.PRIOR_TRIAL),
}
"""Which checks read which list; what is missing of a list that is not known here may concern every check."""


def patient_chart(asking: Asking) -> known.Chart:
    """What nobody recorded stays unknown, it never becomes "none"."""
    chart = asking.chart
    profile = chart.latest(ProfileNoted)
    allergies = chart.latest(AllergiesNoted)
    lists = chart.standing(MedicationsNoted)
    histories = chart.standing(HistoryNoted)
    pregnancy = chart.latest(PregnancyNoted)
    results = chart.standing(ResultsNoted)
    genotypes = chart.standing(GenotypesNoted)
    smoking = chart.latest(SmokingNoted)
    risk = chart.latest(SuicideRiskNoted)
    standing, tried, reacted = conditions(chart), trials(chart), reactions(chart)
    patient = known.Patient(
        birth_date=profile.birth_date if profile else None,
        sex=profile.sex if profile else None,
        pregnancy=pregnancy.status if pregnancy else None,
        conditions=standing if histories or standing else None,
        allergies=(*(allergies.allergies if allergies else ()), *reacted) if allergies or reacted else None,
        no_known_allergies=not allergies.allergies if allergies else None,
        labs=tuple(result for noted in results for result in noted.results) if results else None,
        genotypes=tuple(found for noted in genotypes for found in noted.genotypes) if genotypes else None,
        suicide_risk=risk.level if risk else None,
        smoking=known.Smoking(status=smoking.status, stopped_on=smoking.stopped_on) if smoking else None,
    )
    medicines = prescribed(asking) + reconciled(chart, lists)
    return known.Chart(
        patient=patient,
        medications=medicines if lists or medicines else None,
        trials=tried if histories or tried else None,
    )


_ordered = restating(known.OrderedMedicine, Order, "name", "rxcui", "daily_dose_mg", "taken_since", "indication")


def ordered(asking: Asking) -> known.OrderedMedicine:
    """A change of dose says since when its prescription is taken. Of a regimen the most of any day is asked."""
    medicine = asking.order.medicine
    return _ordered(
        asking.order,
        name=medicine.name or None,
        rxcui=medicine.rxcui or None,
        daily_dose_mg=most_of(asking.order),
        taken_since=asking.chart.taken_since(asking.changing),
        indication=indication_of(asking.order),
    )


def not_recorded(asking: Asking) -> tuple[NotChecked, ...]:
    """As the first reading has it. A reaction here does not stand in for an allergy list that nobody took, and a list
    of which some source holds more than could be read is checked, and is not the whole."""
    chart = asking.chart
    never_asked = reactions(chart) and not chart.standing(AllergiesNoted)
    not_asked = [NotChecked(check=Check.ALLERGY, reason=Reason.ALLERGIES_NOT_ASKED)] if never_asked else []
    last = {(said.list, said.source): said.left_out for said in chart.standing(ListGapsNoted)}
    short = sorted({name for (name, _), left_out in last.items() if left_out})
    gaps = (
        NotChecked(check=check, reason=Reason.LIST_INCOMPLETE, subject=name)
        for name in short
        for check in READS_LIST.get(name, tuple(Check))
    )
    return (*first_not_recorded(asking), *not_asked, *gaps)


SECOND = Reading(number=2, patient_chart=patient_chart, ordered=ordered, not_recorded=not_recorded, reasons=reasons)
