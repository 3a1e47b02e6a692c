"""The demo's verdict: a good history passes every check, and each corruption of it is caught and named."""

from dataclasses import replace

from careloop.demo import verdict
from careloop.demo.verdict import Check, Journaled, Sent
from tests.support.histories.good_history import ANA, BEN, COMMANDS, JOURNAL, LOG, PARTITIONS, TOPIC, event, reoffset


def topic_check(records: list[Sent]) -> Check:
    return verdict.topic_is_log("monitoring", LOG, records, PARTITIONS)


def journal_check(rows: list[Journaled]) -> Check:
    return verdict.journal_is_topic("monitoring", LOG, rows)


def told(check: Check) -> str:
    return "; ".join(check.wrong)


def test_a_good_history_passes_every_check() -> None:
    checks = [
        verdict.log_is_gapless("monitoring", LOG),
        verdict.one_set_per_command("monitoring", LOG, COMMANDS),
        verdict.acknowledged_is_kept("monitoring", ["two"], COMMANDS),
        topic_check(TOPIC),
        journal_check(JOURNAL),
        verdict.journal_is_gapless(JOURNAL),
        verdict.views_are_folds({(ANA, "monitoring"): b"x"}, {(ANA, "monitoring"): b"x"}),
        verdict.one_decision_per_cause([event(1)], [event(1)]),
        verdict.same_bytes("same", [(b"x", b"x")]),
    ]
    assert [told(check) for check in checks] == [""] * len(checks)
    assert all(check.holds for check in checks)


def test_a_position_left_out_of_the_log() -> None:
    assert "position 4 where 3 was due" in told(verdict.log_is_gapless("monitoring", [*LOG[:2], *LOG[3:]]))


def test_a_version_given_twice() -> None:
    broken = [*LOG[:3], replace(LOG[3], version=3), LOG[4]]
    assert told(verdict.log_is_gapless("monitoring", broken)) == "position 4 has version 3 where 4 was due"


def test_a_command_with_two_sets_of_events() -> None:
    broken = [*LOG[:3], replace(LOG[3], command_id="command-1"), LOG[4]]
    check = verdict.one_set_per_command("monitoring", broken, COMMANDS)
    assert told(check) == "a command has two sets of events: positions [1, 4]"


def test_a_command_over_two_streams() -> None:
    broken = [*LOG[:4], replace(LOG[4], command_id="command-4")]
    assert told(verdict.one_set_per_command("monitoring", broken, COMMANDS)) == (
        "a command wrote to two streams from position 4"
    )


def test_events_of_no_recorded_command() -> None:
    check = verdict.one_set_per_command("monitoring", LOG, COMMANDS - {"command-5"})
    assert told(check) == "position 5 belongs to no recorded command"


def test_an_acknowledged_request_that_is_lost() -> None:
    assert "lost (request-9)" in told(verdict.acknowledged_is_kept("monitoring", ["request-9"], COMMANDS))


def test_an_event_missing_on_the_topic() -> None:
    check = topic_check(reoffset([*TOPIC[:1], *TOPIC[2:]]))
    assert "missing on the topic: position 2" in told(check)
    assert "previous is 2 and the event before is 1" in told(check)


def test_an_event_on_the_topic_that_nobody_stored() -> None:
    stranger = replace(TOPIC[3], event_id=event(99), position=99, previous=4, offset=9)
    assert "never stored but on the topic: position 99" in told(topic_check([*TOPIC, stranger]))


def test_two_events_reordered_on_the_topic() -> None:
    assert "reordered, position 2 after 3" in told(topic_check(reoffset([TOPIC[0], TOPIC[2], TOPIC[1], *TOPIC[3:]])))


def test_a_record_sent_again_is_no_corruption() -> None:
    check = topic_check(reoffset([*TOPIC[:4], TOPIC[2], TOPIC[3], TOPIC[4]]))
    assert check.holds
    assert check.counted == "5 stored, 7 sent, 2 of them again"


def test_an_event_doubled_under_another_position() -> None:
    doubled = replace(TOPIC[1], position=7, previous=4)
    check = topic_check(reoffset([*TOPIC, doubled]))
    assert "sent again as position 7, first as 2" in told(check)


def test_a_broken_chain() -> None:
    assert "previous is 1 and the event before is 2" in told(
        topic_check([*TOPIC[:2], replace(TOPIC[2], previous=1), *TOPIC[3:]])
    )


def test_a_record_in_another_patients_partition() -> None:
    elsewhere = replace(TOPIC[4], partition=(TOPIC[4].partition + 1) % PARTITIONS, offset=9)
    assert f"belongs in partition {TOPIC[4].partition}" in told(topic_check([*TOPIC[:4], elsewhere]))


def test_an_event_missing_in_the_journal() -> None:
    assert told(journal_check(JOURNAL[:-1])) == "missing in the journal: position 5"


def test_an_event_doubled_in_the_journal() -> None:
    again = replace(JOURNAL[4], position=6)
    assert f"twice in the journal: event {event(5)}" in told(journal_check([*JOURNAL, again]))


def test_two_events_of_a_patient_reordered_in_the_journal() -> None:
    swapped = [JOURNAL[0], replace(JOURNAL[1], position=3), replace(JOURNAL[2], position=2), *JOURNAL[3:]]
    assert told(journal_check(swapped)) == "journal 3: reordered, position 2 came late"


def test_two_patients_in_another_order_are_no_corruption() -> None:
    assert journal_check(
        [replace(JOURNAL[4], position=1), *(replace(row, position=row.position + 1) for row in JOURNAL[:4])]
    ).holds


def test_an_entry_left_out_of_the_journal() -> None:
    assert told(verdict.journal_is_gapless([*JOURNAL[:1], *JOURNAL[2:]])).startswith(
        "journal position 3 where 2 was due"
    )


def test_a_view_that_is_not_its_fold() -> None:
    ana, ben = (ANA, "monitoring"), (BEN, "monitoring")
    assert "is not its fold" in told(verdict.views_are_folds({ana: b"x"}, {ana: b"y"}))
    assert "no section of monitoring" in told(verdict.views_are_folds({}, {ana: b"x"}))
    assert "from nothing" in told(verdict.views_are_folds({ben: b"x"}, {}))


def test_decisions_about_notices() -> None:
    assert told(verdict.one_decision_per_cause([event(1)], [])) == f"no notice was decided for event {event(1)}"
    assert "2 notices were decided" in told(verdict.one_decision_per_cause([event(1)], [event(1), event(1)]))
    assert "which is no cause" in told(verdict.one_decision_per_cause([], [event(2)]))
    assert told(verdict.one_decision_per_cause([], [event(2)], may_cause=[event(2), event(3)])) == ""
    assert "2 notices were decided" in told(verdict.one_decision_per_cause([], [event(2)] * 2, may_cause=[event(2)]))


def test_a_view_as_known_that_differs_from_what_was_served() -> None:
    assert told(verdict.same_bytes("as known", [(b"x", b"x"), (b"x", b"y")])) == "pair 2 differs"


def test_many_wrong_things_are_shortened() -> None:
    assert verdict.shortened([str(number) for number in range(7)])[-1] == "and 2 more"
    assert verdict.shortened(["one"]) == ["one"]
