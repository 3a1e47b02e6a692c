"""Which kinds of entries the pack holds, one data file each.

A new kind is one line here, and its name in `SINCE`, for the packs that left this repository before it still load. Its
shape is a `entries.Entry` (a `entries.Rule` where it judges or advises) in a module of `shapes/`;
`current_pack().entries(Shape)` then answers its entries, read and checked strictly with all others: keys, ids, periods,
and every field named in `soundness/references.py` that names something.
"""

from collections.abc import Mapping

from careloop.knowledge.pack.shapes import dangers, dosing, entries, follow_up, screening, supply, urgency, vocabulary
from careloop.knowledge.pack.shapes.guidance import AbruptStop, EducationPoint, MissedDoseRule

KINDS: Mapping[str, type[entries.Entry]] = {
    "pack.yaml": vocabulary.Title,
    "mechanisms.yaml": vocabulary.Mechanism,
    "drugs.yaml": vocabulary.Drug,
    "classes.yaml": vocabulary.DrugClass,
    "combinations.yaml": vocabulary.Combination,
    "product-words.yaml": vocabulary.Words,
    "not-drugs.yaml": vocabulary.NotDrug,
    "routes.yaml": vocabulary.Route,
    "long-acting.yaml": vocabulary.LongActing,
    "units.yaml": vocabulary.UnitOf,
    "conditions.yaml": screening.ConditionGroup,
    "groups.yaml": screening.SubstanceGroup,
    "interactions.yaml": screening.PairRule,
    "stopping.yaml": screening.StoppingRule,
    "loads.yaml": screening.LoadRule,
    "washouts.yaml": screening.WashoutRule,
    "duplicates.yaml": screening.PairRule,
    "same-ingredient.yaml": entries.Rule,
    "allergies.yaml": screening.AllergyRule,
    "doses.yaml": screening.DoseRule,
    "never-above.yaml": screening.CeilingRule,
    "overrides.yaml": screening.OverrideRule,
    "drug-conditions.yaml": screening.ConditionRule,
    "indications.yaml": screening.Indication,
    "no-indication.yaml": screening.NoIndicationRule,
    "genotypes.yaml": screening.GenotypeRule,
    "phenotypes.yaml": screening.PhenotypeWords,
    "alleles.yaml": screening.AlleleFunction,
    "needed-facts.yaml": screening.NeededFact,
    "coverage.yaml": screening.Coverage,
    "ages.yaml": screening.AgeRule,
    "pregnancy.yaml": screening.PregnancyRule,
    "labs.yaml": screening.LabRule,
    "trials.yaml": screening.TrialRule,
    "supply.yaml": screening.SupplyRule,
    "overdose-danger.yaml": dangers.OverdoseDanger,
    "controlled.yaml": screening.ControlledRule,
    "measures.yaml": follow_up.Measure,
    "schedules.yaml": follow_up.ScheduleRule,
    "results.yaml": follow_up.ResultRule,
    "titrations.yaml": follow_up.Titration,
    "gaps.yaml": follow_up.GapRule,
    "education.yaml": EducationPoint,
    "missed-doses.yaml": MissedDoseRule,
    "abrupt-stop.yaml": AbruptStop,
    "steps.yaml": dosing.StepRule,
    "tapers.yaml": dosing.TaperRule,
    "switches.yaml": dosing.SwitchRule,
    "strengths.yaml": dosing.StrengthRule,
    "refills.yaml": supply.RefillRule,
    "prescriptions.yaml": supply.PrescriptionRule,
    "telehealth.yaml": supply.TelehealthRule,
    "red_flags.yaml": urgency.RedFlag,
    "triage.yaml": urgency.TriageRule,
    "suicide-risk.yaml": urgency.RiskRule,
    "clocks.yaml": urgency.ResponseClock,
}
"""Data file -> shape of its entries."""

SINCE: Mapping[str, tuple[int, ...]] = {
    **dict.fromkeys(("triage.yaml", "suicide-risk.yaml", "clocks.yaml"), (1, 2)),
    **dict.fromkeys(
        ("never-above.yaml", "overrides.yaml", "abrupt-stop.yaml", "indications.yaml", "no-indication.yaml"), (1, 3)
    ),
    **dict.fromkeys(
        ("phenotypes.yaml", "alleles.yaml", "needed-facts.yaml", "coverage.yaml", "long-acting.yaml",
         "overdose-danger.yaml"),
        (1, 3),
    ),
    **dict.fromkeys(("steps.yaml", "tapers.yaml", "switches.yaml", "strengths.yaml"), (1, 4)),
}  # fmt: skip
"""Files that a pack of an earlier version need not have: it then has no rule of that kind. Later ones must."""

READ_BY_THEMSELVES = frozenset({"instruments.yaml", "changes.yaml"})
"""Files whose reader checks them, outside the pack proper; the digest covers them."""
