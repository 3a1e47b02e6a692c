"""The data of triage, suicide risk and clocks: refused unless every answer has one level on every day."""

import re
from datetime import date, timedelta

import pytest

from careloop.knowledge.pack.index import in_force
from careloop.knowledge.pack.pack import PackInvalid, current_pack, load
from careloop.knowledge.pack.shapes.urgency import GRADED, Level, Reads, ResponseClock, RiskRule, TriageRule
from tests.support.knowledge import TODAY, data_with

GRADE_4 = "id: triage.ctcae-4, version: 1, reads: ctcae-grade, answers: {from: 4, through: 5}"
BURDEN_5 = "id: triage.fibser-burden-5, version: 1, reads: fibser-burden, answers: {from: 5, through: 6}"
BANDS = "readings: [{band: none, level: none}, {band: low, level: low}, "
SAME_DAY_CLOCK = "- {id: clock.same-day, version: 1, triage: same-day, minutes: 720"
ENDS = "effective_from: 2000-01-01, effective_to: 2026-12-31}"
FIRST_OF_JANUARY = date(2027, 1, 1)


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("triage.yaml", GRADE_4, GRADE_4.replace("from: 4", "from: 3"), r"ctcae-4, triage\.ctcae-3: .* answer of 3"),
        ("triage.yaml", GRADE_4, GRADE_4.replace("from: 4", "from: 5"), r"no rule: ctcae-grade on .*: an answer of 4"),
        ("triage.yaml", GRADE_4, GRADE_4.replace("through: 5", "through: 4"), r"no rule: .*: an answer of 5"),
        ("triage.yaml", GRADE_4, GRADE_4.replace("through: 5", "through: 6"), r"ctcae-4: answers .* within 1 to 5"),
        ("triage.yaml", BURDEN_5, BURDEN_5.replace("5, through: 6", "6, through: 5"), "burden-5: answers from 6"),
        ("triage.yaml", BURDEN_5, BURDEN_5.partition(", answers")[0], "burden-5: answers are those"),
        ("triage.yaml", "reads: ungraded", "reads: ungraded, answers: {from: 0, through: 1}", "ungraded: answers"),
        ("triage.yaml", "reads: medicines-unknown", "reads: ungraded", "no rule: one rule for medicines-unknown"),
        ("triage.yaml", "reads: ungraded", "reads: mood", "triage.ungraded: "),
        ("triage.yaml", "level: same-day", "level: soon", r"triage\.ctcae-3: .*soon"),
        ("triage.yaml", "id: triage.ctcae-3", "id: triage.ctcae-4", r"ctcae-4: version given more than once: 1"),
        ("triage.yaml", "version: 1,", "version: 1, severe: true,", "severe"),
        ("suicide-risk.yaml", "instrument: c-ssrs", "instrument: c-srs", "c-ssrs-band: c-srs is not an instrument"),
        ("suicide-risk.yaml", BANDS, "readings: [{band: none, level: none}, ", r"c-ssrs-band: each band .* read once"),
        ("suicide-risk.yaml", BANDS, f"{BANDS}{{band: low, level: high}}, ", r"c-ssrs-band: each band .* read once"),
        ("suicide-risk.yaml", "band: moderate", "band: medium", r"c-ssrs-band: each band .* read once"),
        ("suicide-risk.yaml", "item: 9", "item: 10", "phq-9-item-9: phq-9 has no item 10"),
        ("suicide-risk.yaml", "  item: 9\n", "", "phq-9-item-9: each band of phq-9"),
        ("suicide-risk.yaml", "from: 1, through: 3", "from: 2, through: 3", "no rule: item 9: an answer of 1"),
        ("suicide-risk.yaml", "from: 0, through: 0", "from: 0, through: 1", r"phq-9-item-9, .*phq-9-item-9: item 9"),
        ("suicide-risk.yaml", "from: 1, through: 3", "from: 1, through: 4", r"phq-9-item-9: answers .* within 0 to 3"),
        ("suicide-risk.yaml", "contact_from: moderate", "contact_from: medium", r"risk\.c-ssrs-band: .*medium"),
        ("suicide-risk.yaml", "contact_from: moderate", "contact_from: low", "clocks.yaml: no rule: one rule for low"),
        ("suicide-risk.yaml", "instrument: phq-9\n  item: 9", "instrument: c-ssrs\n  item: 1", "from 1 through 3"),
        ("clocks.yaml", "triage: same-day, minutes", "minutes", "clock.same-day: minutes, at least one, of one level"),
        ("clocks.yaml", "triage: same-day,", "triage: same-day, risk: low,", "clock.same-day: minutes, at least one"),
        ("clocks.yaml", "minutes: 720", "minutes: 0", "clock.same-day: minutes, at least one"),
        ("clocks.yaml", "triage: same-day", "triage: next-visit", "clock.same-day: minutes, at least one"),
        ("clocks.yaml", "triage: same-day", "triage: emergency-now", "emergency-now, clock.same-day: one rule"),
        ("clocks.yaml", "risk: high", "risk: low", "no rule: one rule for high holds on 2000-01-01, not 0"),
    ],
)  # fmt: skip
def test_what_leaves_an_answer_without_one_level_is_refused(name: str, old: str, new: str, said: str) -> None:
    with pytest.raises(PackInvalid, match=said) as refused:
        load(data_with(name, old, new))
    assert re.match(r"(triage|suicide-risk|clocks)\.yaml: ", str(refused.value))


def test_a_new_version_takes_over_on_its_day() -> None:
    text = data_with("clocks.yaml", f"{SAME_DAY_CLOCK}, source: proposed here, basis: ours, reviewed: false, "
                     "effective_from: 2000-01-01}", f"{SAME_DAY_CLOCK}, source: proposed here, basis: ours, "
                     f"reviewed: false, {ENDS}")["clocks.yaml"].decode()  # fmt: skip
    later = "- {id: clock.same-day, version: 2, triage: same-day, minutes: 240, source: proposed here, basis: ours, "
    taken_over = f"{text}{later}reviewed: false, effective_from: 2027-01-01}}\n"
    pack = load({**data_with("clocks.yaml", "", ""), "clocks.yaml": taken_over.encode()})
    minutes = {
        day: [clock.minutes for clock in in_force(pack, ResponseClock, day) if clock.triage is Level.SAME_DAY]
        for day in (TODAY, FIRST_OF_JANUARY - timedelta(days=1), FIRST_OF_JANUARY)
    }
    assert list(minutes.values()) == [[720], [720], [240]]
    with pytest.raises(PackInvalid, match="no rule: one rule for same-day holds on 2027-01-01"):
        load({**data_with("clocks.yaml", "", ""), "clocks.yaml": text.encode()})
    with pytest.raises(PackInvalid, match="no rule: one rule for same-day holds on 2027-01-01"):
        load(
            {
                **data_with("clocks.yaml", "", ""),
                "clocks.yaml": taken_over.replace(": 2027-01-01", ": 2027-01-02").encode(),
            }
        )


def test_a_grade_whose_rule_ends_is_refused() -> None:
    with pytest.raises(PackInvalid, match="no rule: ctcae-grade on 2027-01-01: an answer of 4"):
        load(data_with("triage.yaml", "effective_from: 2000-01-01}", ENDS))


def test_a_rule_that_begins_to_judge_what_another_judges_is_refused() -> None:
    other = "- {id: triage.other, version: 1, reads: ctcae-grade, answers: {from: 3, through: 3}, level: next-visit, "
    ending = "action: Wait., source: nobody, basis: ours, reviewed: false, effective_from: 2030-02-01}\n"
    text = data_with("triage.yaml", "", "")["triage.yaml"]
    with pytest.raises(PackInvalid, match=r"triage\.ctcae-3, triage\.other: ctcae-grade on 2030-02-01"):
        load({**data_with("triage.yaml", "", ""), "triage.yaml": text + (other + ending).encode()})


def test_what_the_pack_reads_is_all_there_is() -> None:
    pack = current_pack()
    assert {rule.reads for rule in pack.entries(TriageRule)} == set(Reads)
    assert set(GRADED) == {Reads.CTCAE_GRADE, Reads.FIBSER_BURDEN}
    assert {rule.instrument for rule in pack.entries(RiskRule)} == {"c-ssrs", "phq-9"}
