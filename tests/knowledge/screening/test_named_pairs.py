"""The interactions a psychiatric programme must know, as a table to be read line by line; each holds in both directions.

The numbers are those of the high-priority list of Phansalkar and others, JAMIA 2012;19:735; below them the classes that
labels of psychotropics name.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from _pytest.mark import ParameterSet

from careloop.knowledge.chart import Medication
from careloop.knowledge.findings import Check, ScreeningOutcome, Severity
from tests.support.knowledge import KNOWN, asked, severities

SEVERITIES = {
    "X": Severity.CONTRAINDICATED,
    "high": Severity.HIGH,
    "moderate": Severity.MODERATE,
    "low": Severity.LOW,
    "none": None,
}

TABLE = """
 1 amphetamine and MAOI          | dextroamphetamine lisdexamfetamine methylphenidate dexmethylphenidate atomoxetine pseudoephedrine | phenelzine tranylcypromine isocarboxazid selegiline procarbazine | X
 4 serotonergic and MAOI         | fluoxetine paroxetine citalopram escitalopram sertraline fluvoxamine duloxetine desvenlafaxine venlafaxine milnacipran nefazodone mirtazapine vilazodone vortioxetine levomilnacipran | phenelzine tranylcypromine isocarboxazid selegiline procarbazine linezolid methylene-blue | X
 6 narcotic analgesic and MAOI   | meperidine tramadol methadone fentanyl tapentadol dextromethorphan | phenelzine tranylcypromine isocarboxazid selegiline procarbazine | X
 7 tricyclic and MAOI            | amitriptyline nortriptyline imipramine desipramine clomipramine doxepin | phenelzine tranylcypromine isocarboxazid selegiline procarbazine linezolid methylene-blue | X
 8 two high-risk QT drugs        | haloperidol | methadone amiodarone sotalol chlorpromazine | high
 9 ramelteon and CYP1A2          | ramelteon | fluvoxamine ciprofloxacin amiodarone ticlopidine | X
13 tizanidine and CYP1A2         | tizanidine | fluvoxamine ciprofloxacin amiodarone ticlopidine | X
14 tranylcypromine, procarbazine | tranylcypromine | procarbazine | X
15 triptan and MAOI              | sumatriptan rizatriptan zolmitriptan | phenelzine tranylcypromine isocarboxazid selegiline procarbazine | X
   serotonergic, serotonergic    | sertraline venlafaxine | amitriptyline trazodone buspirone lithium tramadol meperidine fentanyl dextromethorphan sumatriptan st-johns-wort | moderate
   two reuptake inhibitors       | sertraline escitalopram | fluvoxamine venlafaxine duloxetine | high
   bleeding                      | sertraline citalopram venlafaxine | ibuprofen naproxen aspirin warfarin apixaban | moderate
   citalopram and QT             | citalopram escitalopram | haloperidol methadone amiodarone | high
   QT, contraindicated           | ziprasidone thioridazine pimozide | haloperidol methadone amiodarone | X
   thioridazine and CYP2D6       | thioridazine | fluvoxamine fluoxetine paroxetine propranolol | X
   pimozide, further             | pimozide | sertraline citalopram escitalopram clarithromycin ketoconazole ritonavir nefazodone grapefruit | X
   lithium level, high           | lithium | hydrochlorothiazide chlorthalidone lisinopril enalapril losartan valsartan ibuprofen naproxen celecoxib | high
   lithium level, moderate       | lithium | furosemide metronidazole topiramate haloperidol | moderate
   lithium level, untouched      | lithium | aspirin sulindac | none
   CYP2D6, halve                 | fluoxetine paroxetine bupropion | amitriptyline nortriptyline risperidone aripiprazole atomoxetine vortioxetine metoprolol | moderate
   CYP2D6, duloxetine            | duloxetine | risperidone aripiprazole atomoxetine metoprolol | moderate
   CYP2D6, tamoxifen             | fluoxetine paroxetine bupropion | tamoxifen | high
   CYP2D6, codeine               | fluoxetine paroxetine bupropion | codeine | moderate
   CYP2D6, tramadol              | fluoxetine paroxetine bupropion | tramadol | high
   CYP1A2, clozapine             | clozapine | fluvoxamine ciprofloxacin | high
   CYP1A2, olanzapine            | olanzapine | fluvoxamine ciprofloxacin | moderate
   CYP1A2, duloxetine            | duloxetine | fluvoxamine ciprofloxacin | high
   CYP1A2, caffeine              | fluvoxamine ciprofloxacin | caffeine | low
   tobacco                       | clozapine olanzapine | tobacco-smoke | low
   lurasidone and CYP3A4         | lurasidone | ketoconazole clarithromycin ritonavir nefazodone carbamazepine phenytoin phenobarbital rifampin st-johns-wort | X
   CYP3A4 inhibitors             | quetiapine aripiprazole brexpiprazole cariprazine buspirone | ketoconazole clarithromycin ritonavir | high
   CYP3A4, carbamazepine         | carbamazepine | ketoconazole clarithromycin | high
   CYP3A4, azoles                | alprazolam triazolam | ketoconazole itraconazole | X
   CYP3A4 inducers               | quetiapine aripiprazole clozapine ethinyl-estradiol methadone buprenorphine bupropion | carbamazepine phenytoin phenobarbital rifampin | high
   lamotrigine and inducers      | lamotrigine | carbamazepine phenytoin phenobarbital rifampin | high
   lamotrigine and valproate     | lamotrigine | valproate divalproex | high
   lamotrigine and oestrogen     | lamotrigine | ethinyl-estradiol | moderate
   contraceptive, oxcarbazepine  | ethinyl-estradiol | oxcarbazepine | moderate
   contraceptive, topiramate     | ethinyl-estradiol | topiramate@200 | moderate
   contraceptive, less topiramate| ethinyl-estradiol | topiramate@199 | none
   valproate, carbapenem         | valproate | meropenem imipenem ertapenem | high
   valproate, others             | valproate | topiramate aspirin carbamazepine | moderate
   carbamazepine, others         | carbamazepine | phenelzine tranylcypromine nefazodone | X
   respiratory depression        | alprazolam lorazepam zolpidem gabapentin pregabalin | oxycodone methadone buprenorphine alcohol | high
   opioid and alcohol            | oxycodone | alcohol | high
   clozapine, others             | clozapine | lorazepam clonazepam benztropine haloperidol methadone carbamazepine methimazole | high
   naltrexone and opioid         | naltrexone | oxycodone methadone buprenorphine tramadol codeine | X
   disulfiram                    | disulfiram | alcohol metronidazole | X
   acamprosate                   | acamprosate | alcohol naltrexone sertraline | none
   stimulant, serotonergic       | methylphenidate dextroamphetamine | sertraline venlafaxine | moderate
   stimulant, antihypertensive   | methylphenidate lisdexamfetamine | lisinopril amlodipine | low
   bupropion, seizure threshold  | bupropion | tramadol@1 | high
   bupropion, seizure threshold  | bupropion | clozapine olanzapine amitriptyline theophylline | moderate
   blood pressure                | prazosin clonidine guanfacine | lisinopril amlodipine sildenafil tadalafil trazodone | moderate
   clonidine, beta blocker       | clonidine | propranolol metoprolol | moderate
   propranolol                   | propranolol | verapamil | high
   propranolol                   | propranolol | fluvoxamine | moderate
   varenicline                   | varenicline | sertraline bupropion lithium | none
   bupropion twice               | bupropion | Zyban Contrave | high
   patch of selegiline           | sertraline bupropion methylphenidate | selegiline-6-mg/24h-transdermal-patch | X
   nothing of note               | sertraline lamotrigine | lisinopril metformin levothyroxine | none
"""
# ruff: noqa: E501 - a line of the table is a line to be read


def taken_at(text: str) -> tuple[str, Decimal]:
    name, _, mg = text.partition("@")
    return name.replace("st-johns", "st johns").replace("-", " "), Decimal(mg or 1)


def lines() -> Iterator[ParameterSet]:
    for line in filter(str.strip, TABLE.splitlines()):
        title, left, right, severity = (cell.strip() for cell in line.split("|"))
        yield pytest.param(left.split(), right.split(), SEVERITIES[severity], id=f"{title}: {left.split()[0]}")


def worst(ordered: str, taken: str) -> Severity | None:
    (name, mg), (other, other_mg) = taken_at(ordered), taken_at(taken)
    answer = asked(name, replace(KNOWN, medications=(Medication(name=other, daily_dose_mg=other_mg),)), str(mg))
    assert not {gap.reason for gap in answer.not_checked} & {"unknown-drug", "contradictory-code"}, (name, other)
    found = severities(answer, Check.DRUG_DRUG) + severities(answer, Check.DUPLICATE_THERAPY)
    return min(found, key=lambda severity: severity.rank, default=None)


@pytest.mark.parametrize(("left", "right", "severity"), tuple(lines()))
def test_a_line_of_the_table_in_both_directions(left: list[str], right: list[str], severity: Severity | None) -> None:
    pairs = [(one, other) for a in left for b in right for one, other in ((a, b), (b, a))]
    wrong = {pair: found for pair in pairs if (found := worst(*pair)) is not severity}
    assert wrong == {}


def test_a_pair_without_anything_of_note_is_clear() -> None:
    medications = (Medication(name="lisinopril", daily_dose_mg=Decimal(10)),)
    assert asked("sertraline", replace(KNOWN, medications=medications), 50).outcome is ScreeningOutcome.CLEAR
