"""The verdict as it is printed: in brief one row for what holds everywhere, and nothing hides a broken check."""

from io import StringIO

from rich.console import Console

from careloop.demo.judging import verdict_table
from careloop.demo.verdict import Check
from careloop.local.settings import SERVICES


def checks(*, broken: str = "") -> list[Check]:
    of_services = [
        Check(
            name=f"{service}: log without gaps",
            counted=f"{number} events",
            wrong=("position 4 where 3 was due",) if service == broken else (),
        )
        for number, service in enumerate(SERVICES, start=1)
    ]
    alone = Check(name="prescribing: orders checked again = as decided", counted="2 compared", wrong=())
    return [*of_services, alone]


def shown(made: list[Check], *, brief: bool) -> list[str]:
    out = StringIO()
    Console(file=out, width=120).print(verdict_table(made, brief=brief))
    return [" ".join(line.split()) for line in out.getvalue().splitlines()]


def test_in_brief_what_holds_in_every_service_is_one_row() -> None:
    lines = shown(checks(), brief=True)
    assert "every service: log without gaps 1 + 2 + 3 + 4 + 5 events holds" in lines
    assert "prescribing: orders checked again = as decided 2 compared holds" in lines
    assert len(lines) == 3


def test_in_brief_a_broken_check_stands_by_itself_with_what_is_wrong() -> None:
    lines = shown(checks(broken="monitoring"), brief=True)
    assert "monitoring: log without gaps 3 events BROKEN" in lines
    assert "position 4 where 3 was due" in lines


def test_with_everything_asked_for_each_check_is_a_row() -> None:
    assert len(shown(checks(), brief=False)) == 1 + len(SERVICES) + 1
