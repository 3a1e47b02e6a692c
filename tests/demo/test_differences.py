"""What the demo shows of two states of a view: only what differs, entry by entry."""

from care.coordination.v1 import coordination_pb2 as pb

from careloop.demo.differences import differences

BEFORE = pb.CareView(
    patient_id="p",
    open_side_effects=[pb.SideEffect(symptom="nausea", triage="next-visit")],
    urgency=pb.Urgency(level="none"),
)


def test_two_views_alike_have_no_difference() -> None:
    assert differences(BEFORE, BEFORE) == []


def test_an_entry_more_an_entry_less_and_a_changed_value() -> None:
    after = pb.CareView(
        patient_id="p",
        open_side_effects=[pb.SideEffect(symptom="tremor", triage="same-day")],
        urgency=pb.Urgency(level="same-day", reason="side-effect"),
    )
    assert differences(BEFORE, after) == [
        "- open side effects: nausea, next-visit, felt -",
        "+ open side effects: tremor, same-day, felt -",
        "  urgency: none -> same-day (side-effect)",
    ]


def test_an_entry_without_words_of_its_own_is_shown_whole() -> None:
    after = pb.CareView(patient_id="p", team=[pb.TeamMember(name="Ada Okafor")])
    assert '+ team: {"name": "Ada Okafor"}' in differences(pb.CareView(patient_id="p"), after)
