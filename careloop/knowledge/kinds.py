"""Which kinds of entries the pack holds, one data file each.

A new kind is one line here, and its name in `SINCE`, for the packs that left this repository before it still load. Its
shape is a `schema.Entry` (a `schema.Rule` where it judges or advises) in a module that imports no more than
`careloop.knowledge.schema`; `current_pack().entries(Shape)` then answers its entries, read and checked strictly with
all others: keys, ids, periods, and every field named in `references.py` that names something.
"""

from collections.abc import Mapping

from careloop.knowledge import follow_up_schema, schema, supply_schema, urgency_schema, vocabulary
from careloop.knowledge.guidance_schema import EducationPoint, MissedDoseRule

KINDS: Mapping[str, type[schema.Entry]] = {
    "pack.yaml": vocabulary.Title,
    "mechanisms.yaml": vocabulary.Mechanism,
    "drugs.yaml": vocabulary.Drug,
    "classes.yaml": vocabulary.DrugClass,
    "combinations.yaml": vocabulary.Combination,
    "product-words.yaml": vocabulary.Words,
    "not-drugs.yaml": vocabulary.NotDrug,
    "routes.yaml": vocabulary.Route,
    "units.yaml": vocabulary.UnitOf,
    "conditions.yaml": schema.ConditionGroup,
    "groups.yaml": schema.SubstanceGroup,
    "interactions.yaml": schema.PairRule,
    "stopping.yaml": schema.StoppingRule,
    "loads.yaml": schema.LoadRule,
    "washouts.yaml": schema.WashoutRule,
    "duplicates.yaml": schema.PairRule,
    "same-ingredient.yaml": schema.Rule,
    "allergies.yaml": schema.AllergyRule,
    "doses.yaml": schema.DoseRule,
    "drug-conditions.yaml": schema.ConditionRule,
    "genotypes.yaml": schema.GenotypeRule,
    "ages.yaml": schema.AgeRule,
    "pregnancy.yaml": schema.PregnancyRule,
    "labs.yaml": schema.LabRule,
    "trials.yaml": schema.TrialRule,
    "supply.yaml": schema.SupplyRule,
    "controlled.yaml": schema.ControlledRule,
    "measures.yaml": follow_up_schema.Measure,
    "schedules.yaml": follow_up_schema.ScheduleRule,
    "results.yaml": follow_up_schema.ResultRule,
    "titrations.yaml": follow_up_schema.Titration,
    "gaps.yaml": follow_up_schema.GapRule,
    "education.yaml": EducationPoint,
    "missed-doses.yaml": MissedDoseRule,
    "refills.yaml": supply_schema.RefillRule,
    "prescriptions.yaml": supply_schema.PrescriptionRule,
    "telehealth.yaml": supply_schema.TelehealthRule,
    "red_flags.yaml": urgency_schema.RedFlag,
    "triage.yaml": urgency_schema.TriageRule,
    "suicide-risk.yaml": urgency_schema.RiskRule,
    "clocks.yaml": urgency_schema.Clock,
}
"""Data file -> shape of its entries."""

SINCE: Mapping[str, tuple[int, ...]] = dict.fromkeys(("triage.yaml", "suicide-risk.yaml", "clocks.yaml"), (1, 2))
"""Files that a pack of an earlier version need not have: it then has no rule of that kind. Later ones must."""

READ_BY_THEMSELVES = frozenset({"instruments.yaml", "changes.yaml"})
"""Files whose reader checks them, outside the pack proper; the digest covers them."""
