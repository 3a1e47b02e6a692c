"""A care view as a person reads it."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from care.coordination.v1 import coordination_pb2 as pb
from rich.console import Console

from careloop.cli.terminal.care_tables import view_tables


def shown(view: pb.CareView) -> str:
    out = StringIO()
    console = Console(file=out, width=200)
    for table in view_tables(view, datetime(2026, 11, 23, tzinfo=UTC)):
        console.print(table)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "title"),
    [("allergies", "Allergies and intolerances"), ("medications", "Medications, active or prescribed here")],
)
def test_a_list_of_which_entries_could_not_be_read_is_called_incomplete(name: str, title: str) -> None:
    gaps = [pb.ListGaps(list=name, left_out=2, source="ehr-import"), pb.ListGaps(list="history", left_out=1)]
    assert f"{title} (incomplete: 2 more could not be read)" in " ".join(shown(pb.CareView(list_gaps=gaps)).split())
    assert "incomplete" not in shown(pb.CareView(list_gaps=gaps[1:]))
