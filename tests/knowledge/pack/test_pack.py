"""The pack loads strictly: what it does not understand it refuses, and any change of content has another digest."""

from importlib.resources import files
from string import Formatter

import pytest

from careloop.knowledge.pack.pack import PackInvalid, current_pack, digest_of, load, read_data
from careloop.knowledge.pack.shapes.entries import Rule
from tests.support.knowledge import data_with

WORDS = {"order", "other", "until", "dose", "limit", "days", "drugs", "named"}


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("interactions.yaml", "  cause: serotonin", "  cuase: serotonin", "cuase"),
        ("interactions.yaml", "  version: 1\n", "  version: 1\n  version: 2\n", "repeated"),
        ("interactions.yaml", "id: ddi.tca-maoi", "id: ddi.maoi-serotonergic", "more than once"),
        ("interactions.yaml", "left: [serotonergic-antidepressant]", "left: [serotonergic-anything]", "neither"),
        ("interactions.yaml", "severity: contraindicated", "severity: terrible", "enum"),
        ("drugs.yaml", "name: fluoxetine,", "name: sertraline,", "more than once"),
        ("drugs.yaml", 'rxcui: "4493"', 'rxcui: "36437"', "more than once"),
        ("drugs.yaml", "also: [Zoloft", "also: [Prozac", "means two things"),
        ("drugs.yaml", "classes: [ssri]", "classes: [sri]", "neither"),
        ("classes.yaml", "includes: [maoi-irreversible, maoi-reversible]", "includes: [maoi]", "includes itself"),
        ("drug-conditions.yaml", "conditions: [seizure-disorder]", "conditions: [seizures]", "not a condition"),
        ("washouts.yaml", "reviewed: false", "reviewed: perhaps", "bool"),
        ("pack.yaml", "version: 1.", "version: 1.x.", "a version is numbers"),
        (
            "pack.yaml",
            "- name: careloop",
            "- {name: a, version: 1.0.0, high_risk: []}\n- name: careloop",
            "exactly one",
        ),
        ("red_flags.yaml", "drugs: [lithium]", "drugs: [lithiun]", "lithium-toxicity: lithiun is neither"),
        (
            "red_flags.yaml",
            "all_of: [[serotonin syndrome, malignant syndrome, sindrome serotonin, sindrome neuroleptico]]",
            "all_of: [[]]",
            "serotonin-syndrome-named: a red flag needs words",
        ),
        (
            "client-words.yaml",
            'text: "To reach us now, call {phone}."',
            'text: "Call {who}."',
            "words.on-call: a text may name phone, name, on",
        ),
        (
            "client-words.yaml",
            "flags: [overdose, child",
            "flags: [overdoze, child",
            "words.poison-help: overdoze is no red flag",
        ),
        (
            "client-words.yaml",
            "part: call-988, language: es",
            "part: call-988, language: en",
            "call-988 on 2000-01-01: each of en, es once, not en, en",
        ),
        ("text-contexts.yaml", "- language: es", "- language: en", "language: each of en, es once, not en, en"),
        ("triage.yaml", "reads: not-understood", "reads: ungraded", "no rule: one rule for not-understood"),
        (
            "titrations.yaml",
            "drugs: [lamotrigine]",
            "drugs: [topiramate]",
            "no gap of gaps.yaml begins topiramate anew",
        ),
        (
            "gaps.yaml",
            "drugs: [lamotrigine], from_days: 5,",
            "drugs: [lithium], from_days: 5,",
            "begins lamotrigine anew",
        ),
    ],
)
def test_a_pack_that_says_something_wrong_is_refused(name: str, old: str, new: str, said: str) -> None:
    with pytest.raises(PackInvalid, match=said):
        load(data_with(name, old, new))


def test_a_missing_file_is_refused() -> None:
    content = read_data()
    del content["labs.yaml"]
    with pytest.raises(PackInvalid, match=r"^labs\.yaml: the file is missing$"):
        load(content)


def test_the_digest_follows_the_content_of_every_file() -> None:
    content = read_data()
    before = digest_of(content)
    assert current_pack().digest == before == digest_of(dict(reversed(content.items())))
    for name in content:
        assert digest_of({**content, name: content[name] + b"\n"}) != before


def test_a_version_names_one_content_and_another_content_is_another_version() -> None:
    """Fails when data changed: raise the version in pack.yaml, and add it with its digest as a line of VERSIONS."""
    lines = (files("careloop.knowledge") / "data" / "VERSIONS").read_text().splitlines()
    released = dict(line.split() for line in lines if not line.startswith("#"))
    assert len(set(released.values())) == len(released)
    known = current_pack().reference
    assert list(released.items())[-1] == (known.version, known.digest)


def test_no_rule_claims_a_review_and_every_rule_has_source_and_basis() -> None:
    for rule in current_pack().rules():
        assert not rule.reviewed
        assert rule.source
        assert rule.version >= 1


def test_messages_only_speak_of_what_a_case_can_tell() -> None:
    for rule in (rule for rule in current_pack().rules() if isinstance(rule, Rule)):
        named = {part for text in (rule.message, rule.action) for _, part, _, _ in Formatter().parse(text) if part}
        assert named <= WORDS, rule.id
