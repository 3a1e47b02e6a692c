"""The shapes of what a screen reads: pairs, washouts, doses, conditions, allergies and what else judges an order."""

from decimal import Decimal
from enum import StrEnum

from careloop.knowledge.chart import AllergyType, Criticality, Pregnancy, Sex, SuicideRisk
from careloop.knowledge.findings import Check
from careloop.knowledge.pack.shapes.entries import Entry, Rule, Sourced


class Form(Entry, frozen=True, kw_only=True):
    """A way of taking a drug: by one of these routes, and within these daily milligrams, both ends included."""

    drugs: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    from_mg: Decimal | None = None
    up_to_mg: Decimal | None = None


class PairRule(Rule, frozen=True, kw_only=True):
    """Two drugs that should not meet, in either direction. Per pair and `cause` only the worst finding is shown.

    Of a side with `..._at` only that form is meant; a side that is known to be in the form `..._unless` is excused.
    """

    cause: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    left_except: tuple[str, ...] = ()
    right_except: tuple[str, ...] = ()
    left_at: Form | None = None
    right_at: Form | None = None
    left_unless: Form | None = None
    right_unless: Form | None = None


class StoppingRule(Rule, frozen=True, kw_only=True):
    """The level of one of `affected` moves when one of `stopped` stops, until `days` after its last dose."""

    affected: tuple[str, ...]
    stopped: tuple[str, ...]
    days: int


class Weight(Entry, frozen=True, kw_only=True):
    """What each of these drugs adds to a load; of several weights the largest counts."""

    drugs: tuple[str, ...]
    points: int


class LoadRule(Rule, frozen=True, kw_only=True):
    """Three or more drugs that share an effect and together reach `at_least` points. Supersedes itself as it grows."""

    weights: tuple[Weight, ...]
    at_least: int


class WashoutRule(Rule, frozen=True, kw_only=True):
    """`days` must pass between the last dose of one of `after` and the first of one of `before`."""

    cause: str
    days: int
    after: tuple[str, ...]
    before: tuple[str, ...]
    after_except: tuple[str, ...] = ()


class Relation(StrEnum):
    """How close two drugs are to an allergy: one molecule, one structure, or a possible cross-reaction."""

    SAME = "same"
    RELATED = "related"
    CAUTION = "caution"


class SubstanceGroup(Entry, frozen=True, kw_only=True):
    """Drugs of which an allergy to one concerns the others. `cautions` are weaker members of a related group."""

    name: str
    relation: Relation
    members: tuple[str, ...]
    cautions: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


class AllergyRule(Rule, frozen=True, kw_only=True):
    relation: Relation
    type: AllergyType
    criticality: tuple[Criticality, ...] = ()


class Circumstances(Entry, frozen=True, kw_only=True):
    """When a lower dose limit holds: any one of the first group suffices, and all of the `without_...` must be met.

    `egfr_below` and `egfr_from` bound the last filtration rate: estimated (mL/min/1.73 m2), or with `by_clearance` the
    clearance of creatinine (mL/min), and only without one the estimated rate; `starting` means that the drug is not
    taken yet, or was last taken `restart_days` ago or longer. With none of the first group the limit holds for everyone
    else.
    """

    age_over: int | None = None
    sex: Sex | None = None
    with_drugs: tuple[str, ...] = ()
    gene: str | None = None
    phenotypes: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    egfr_below: Decimal | None = None
    egfr_from: Decimal | None = None
    by_clearance: bool = False

    without_drugs: tuple[str, ...] = ()
    without_conditions: tuple[str, ...] = ()
    starting: bool = False
    restart_days: int = 6


class DoseRule(Rule, frozen=True, kw_only=True):
    """A daily limit. Without `max_daily_mg` it is the drug's own; `when` narrows it to some patients.

    `titrated`: it is that of the step of the drug's titration (titrations.yaml) on the day the order starts.
    """

    drugs: tuple[str, ...] = ()
    max_daily_mg: Decimal | None = None
    when: Circumstances | None = None
    titrated: bool = False


class CeilingRule(Rule, frozen=True, kw_only=True):
    """No reason lets a higher daily dose pass: than `never_above_mg`, or than so many times the maximum of the drug in
    the form ordered.

    The first rule that fits counts: of `drugs` where it names some, and where it names `conditions` of patients with
    one of them. A rule that names no drug is for those that no other one fits.
    """

    drugs: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    never_above_mg: Decimal | None = None
    times_maximum: Decimal | None = None


class OverrideRule(Sourced, frozen=True, kw_only=True):
    """Which coded reasons answer one kind of alert; those `with_comment` say nothing without one.

    `answers` is a check, or `not-checked`, `assessment-incomplete`, `abrupt-stop`.
    """

    answers: str
    reasons: tuple[str, ...]
    with_comment: tuple[str, ...] = ()


class ConditionGroup(Entry, frozen=True, kw_only=True):
    """A condition by ICD-10-CM prefixes, SNOMED CT codes and the beginnings of words that name it."""

    name: str
    icd10: tuple[str, ...] = ()
    snomed: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


class ConditionRule(Rule, frozen=True, kw_only=True):
    """Holds with one of `conditions`; where `together_with` or `risks` are given, only with one of these conditions or
    suicide risks besides."""

    drugs: tuple[str, ...]
    conditions: tuple[str, ...]
    together_with: tuple[str, ...] = ()
    risks: tuple[SuicideRisk, ...] = ()


class Indication(Sourced, frozen=True, kw_only=True):
    """What one of these drugs is usually given for, on and off label: conditions of these groups, or with an ICD-10-CM
    code that begins so."""

    drugs: tuple[str, ...]
    conditions: tuple[str, ...] = ()
    icd10: tuple[str, ...] = ()


class NoIndicationRule(Rule, frozen=True, kw_only=True):
    """The drug's indications are known and none is met: by what the order names with `named`, else by any diagnosis."""

    named: bool = False


class GenotypeRule(Rule, frozen=True, kw_only=True):
    """Holds for these phenotypes of a gene; with `untested` when no result of the gene is on record."""

    drugs: tuple[str, ...]
    gene: str
    phenotypes: tuple[str, ...] = ()
    untested: bool = False


class PhenotypeWords(Entry, frozen=True, kw_only=True):
    """What laboratories write for one phenotype; the first entry of the file with a phrase in the words counts."""

    name: str
    written: tuple[str, ...]


class AlleleFunction(Entry, frozen=True, kw_only=True):
    """Alleles of a gene with one function: none, normal or increased. Of others no phenotype is read from alleles."""

    gene: str
    function: str
    alleles: tuple[str, ...]
    source: str


class NeededFact(Sourced, frozen=True, kw_only=True):
    """What must be known before one of these drugs: a result of one of `measures` within `within_days` of the start, a
    result of `gene`, or the weight.

    It matters from `from_mg` a day on, and with `above_renal_limit` above the dose that a low filtration rate allows.
    Where `from_age`, `conditions` or `with_drugs` are given, it matters if one of them holds; an age that nobody knows
    may be any.
    """

    drugs: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    gene: str = ""
    weight: bool = False
    within_days: int = 366
    from_mg: Decimal | None = None
    above_renal_limit: bool = False
    from_age: int | None = None
    conditions: tuple[str, ...] = ()
    with_drugs: tuple[str, ...] = ()
    check: Check
    reason: str
    settled_by: str


class Coverage(Sourced, frozen=True, kw_only=True):
    """The checks for which the entries of these drugs were gone through, against this source; without drugs, of all."""

    drugs: tuple[str, ...]
    checks: tuple[Check, ...]


class AgeRule(Rule, frozen=True, kw_only=True):
    """Holds for ages in whole years from `from_age` to `to_age`, both included."""

    drugs: tuple[str, ...]
    from_age: int | None = None
    to_age: int | None = None


class PregnancyRule(Rule, frozen=True, kw_only=True):
    """Holds in the given states; with `childbearing` also for everyone of childbearing age who may become pregnant."""

    drugs: tuple[str, ...]
    states: tuple[Pregnancy, ...]
    childbearing: bool = False


class LabRule(Rule, frozen=True, kw_only=True):
    """A result that is missing (none within `within_days`), or the last one `below` / `above` a bound in `unit`.

    The results are those of `measures`, in the unit of the measure; a pack from before them names codes in `loinc`.

    Holds for patients with one of `conditions` if any are named, and with none of `without_conditions`. With `if_known`
    it judges a result that is there, and asks for none. With `starting` it judges the start of a treatment alone, also
    one `restart_days` or longer after the last dose.
    """

    drugs: tuple[str, ...]
    conditions: tuple[str, ...] = ()
    without_conditions: tuple[str, ...] = ()
    loinc: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    within_days: int | None = None
    below: Decimal | None = None
    above: Decimal | None = None
    unit: str | None = None
    if_known: bool = False
    starting: bool = False
    restart_days: int = 30


class TrialOutcome(StrEnum):
    FAILED = "failed"
    NOT_TOLERATED = "not-tolerated"
    ALLERGIC = "allergic"


class TrialRule(Rule, frozen=True, kw_only=True):
    outcome: TrialOutcome
    at_least_weeks: Decimal | None = None


class SupplyRule(Rule, frozen=True, kw_only=True):
    """No more than `max_days` at a time while the suicide risk is one of `risks`.

    Of `drugs`, or with `of_overdose_danger` of what overdose-danger.yaml lists.
    """

    drugs: tuple[str, ...] = ()
    of_overdose_danger: bool = False
    max_days: int
    risks: tuple[SuicideRisk, ...]


class ControlledRule(Rule, frozen=True, kw_only=True):
    """Holds for drugs of these schedules (or named), when the supply exceeds `above_days` if given.

    With `telehealth` it holds where telehealth.yaml does not permit the order to somebody not seen in person.
    """

    schedules: tuple[str, ...] = ()
    drugs: tuple[str, ...] = ()
    drugs_except: tuple[str, ...] = ()
    above_days: int | None = None
    telehealth: bool = False
