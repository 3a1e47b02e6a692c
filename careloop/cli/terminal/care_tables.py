"""A care view and a caseload as tables for people; the wire contract explains each field."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from care.common.v1 import common_pb2
from care.coordination.v1 import coordination_pb2 as pb
from rich.table import Table

from careloop.cli.terminal.tables import due_in, table, when

TIMELINE_ROWS = 12


def caseload_table(entries: Iterable[pb.CaseloadEntry], now: datetime) -> Table:
    """One row per patient, the most urgent first."""
    columns = ("urgency", "because of", "due", "patient", "born", ">open", ">notices", "assessed", "id")
    return table("Caseload", columns, [_caseload_row(entry, now) for entry in entries], empty="no patients")


def _caseload_row(entry: pb.CaseloadEntry, now: datetime) -> tuple[object, ...]:
    urgency = entry.urgency
    return (
        urgency.level,
        urgency.reason or "-",
        due_in(urgency.due_at, now, given=urgency.HasField("due_at")),
        entry.name or "(not enrolled)",
        entry.birth_date or "-",
        entry.open_side_effects,
        entry.unacknowledged_notices,
        "yes" if entry.assessment_completed else "no",
        entry.patient_id,
    )


def view_tables(view: pb.CareView, now: datetime, timeline_rows: int = TIMELINE_ROWS) -> list[Table]:
    """The sections of a view that say something; allergies and medications always, for silence there is not `none`."""
    return [
        _team(view),
        _diagnoses(view),
        _allergies(view),
        _medications(view),
        _trends(view),
        *_if_any(_side_effects(view, now)),
        *_if_any(_risks(view, now)),
        *_if_any(_orders(view)),
        *_if_any(_notices(view, now)),
        _timeline(view, timeline_rows),
    ]


def view_title(view: pb.CareView, stamp: pb.Stamp) -> str:
    """Who it is about and which state of the journal it shows."""
    who = view.identity
    name = f"{who.name}, born {who.birth_date}, {who.sex}" if view.HasField("identity") else "(not enrolled)"
    return f"{name}  |  urgency {view.urgency.level}  |  journal {stamp.journal_position}, known {when(stamp.known_at)}"


def freshness_line(freshness: Sequence[common_pb2.Freshness]) -> str:
    """How fresh each source is, in one line."""
    return "fresh as of: " + "  ".join(f"{one.source} {_fresh(one)}" for one in freshness)


def _fresh(one: common_pb2.Freshness) -> str:
    moment = one.fresh_as_of.ToDatetime().strftime("%H:%M:%S") if one.HasField("fresh_as_of") else "unknown"
    return moment + (" HELD" if one.held else " STALE" if one.stale else "")


def _if_any(shown: Table) -> list[Table]:
    return [shown] if len(shown.columns) > 1 and shown.rows and shown.title else []


def _optional(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    return table(title if rows else "", columns, rows)


def _team(view: pb.CareView) -> Table:
    rows = [(member.name, member.role, when(member.effective_from)) for member in view.team]
    return table("Care team", ("name", "role", "since"), rows, empty="nobody")


def _diagnoses(view: pb.CareView) -> Table:
    rows = [(one.icd10, one.display, one.severity, one.verification, when(one.occurred_at)) for one in view.diagnoses]
    return table("Diagnoses", ("code", "diagnosis", "severity", "is", "since"), rows)


_ASKED = {pb.ASKED_NOT_ASKED: "not asked", pb.ASKED_NONE_KNOWN: "asked: none", pb.ASKED_LISTED: "asked: listed"}


def _allergies(view: pb.CareView) -> Table:
    empty = _ASKED.get(view.allergies.asked, "not asked")
    rows = [(one.substance.name, one.type, one.criticality, one.reaction or "-") for one in view.allergies.listed]
    return table(
        _titled("Allergies and intolerances", "allergies", view),
        ("substance", "type", "criticality", "reaction"),
        rows,
        empty=empty,
    )


def _titled(title: str, name: str, view: pb.CareView) -> str:
    """The title, and whether entries of some source's list could not be read."""
    missing = sum(gaps.left_out for gaps in view.list_gaps if gaps.list == name)
    return f"{title} (incomplete: {missing} more could not be read)" if missing else title


def _medications(view: pb.CareView) -> Table:
    empty = _ASKED.get(view.medications.asked, "not asked")
    rows = [
        (one.medicine.name, one.status, _dose(one.daily_dose_mg), one.since or "-", one.until or "-", one.source)
        for one in view.medications.medications
        if one.status == "active" or one.source == "prescribed"
    ]
    columns = ("medication", "status", "daily dose", "since", "until", "source")
    return table(_titled("Medications, active or prescribed here", "medications", view), columns, rows, empty=empty)


def _dose(milligrams: str) -> str:
    return f"{milligrams} mg" if milligrams else "not stated"


def _trends(view: pb.CareView) -> Table:
    rows = [
        (
            one.instrument,
            one.count,
            _point(one.baseline, given=one.HasField("baseline")),
            _point(one.last, given=one.HasField("last")),
            f"{one.change:+d}" if one.HasField("change") else "-",
            _yes(one.response, given=one.HasField("response")),
            _yes(one.remission, given=one.HasField("remission")),
            one.course,
        )
        for one in view.scale_trends
    ]
    columns = ("scale", ">results", "baseline", "last", ">change", "response", "remission", "course")
    return table("Scales", columns, rows)


def _point(point: pb.ScalePoint, *, given: bool) -> str:
    if not given:
        return "-"
    total = str(point.total) if point.HasField("total") else "no total"
    return f"{total} {point.band} ({when(point.occurred_at)[:10]})"


def _yes(value: bool, *, given: bool) -> str:
    return ("yes" if value else "no") if given else "-"


def _side_effects(view: pb.CareView, now: datetime) -> Table:
    rows = [
        (one.symptom, one.triage, due_in(one.due_at, now, given=one.HasField("due_at")), when(one.occurred_at), "open")
        for one in view.open_side_effects
    ]
    rows += [(one.symptom, one.triage, "-", when(one.occurred_at), one.outcome) for one in view.closed_side_effects[:5]]
    return _optional("Side effects", ("symptom", "triage", "due", "felt", "is"), rows)


def _risks(view: pb.CareView, now: datetime) -> Table:
    rows = [
        (one.level, one.reason, one.status, due_in(one.due_at, now), when(one.occurred_at)) for one in view.risks[:5]
    ]
    return _optional("Suicide risks raised", ("level", "reason", "is", "due", "answered"), rows)


def _orders(view: pb.CareView) -> Table:
    rows = [
        ("declined", one.medicine.name, _dose(one.daily_dose_mg), ", ".join(one.reasons), _rules(one.alerts))
        for one in view.declined_orders
    ]
    rows += [
        (
            "overridden",
            one.medicine.name,
            _dose(one.daily_dose_mg),
            ", ".join(f"{it.rule}: {it.reason}" for it in one.overrides),
            _rules(one.alerts),
        )
        for one in view.overrides
    ]
    return _optional("Orders declined or overridden", ("order", "medicine", "daily dose", "because", "alerts"), rows)


def _rules(alerts: Iterable[common_pb2.Alert]) -> str:
    return ", ".join(f"{alert.rule} ({alert.severity})" for alert in alerts) or "-"


def _notices(view: pb.CareView, now: datetime) -> Table:
    rows = [
        (one.priority, one.subject, ", ".join(one.addressees), due_in(one.acknowledge_by, now), one.escalations)
        for one in view.unacknowledged_notices
    ]
    columns = ("priority", "notice", "told", "acknowledge", ">escalated")
    return _optional("Notices that nobody has acknowledged", columns, rows)


def _timeline(view: pb.CareView, most: int) -> Table:
    rows = [
        (when(one.occurred_at), when(one.recorded_at), one.source, one.kind, one.summary, one.actor)
        for one in view.timeline[:most]
    ]
    title = f"Timeline, the latest {len(rows)} of {len(view.timeline)}"
    return table(title, ("occurred", "recorded", "source", "kind", "what", "by"), rows)
