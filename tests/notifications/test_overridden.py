"""Who hears of a high alert that a prescriber overrode."""

from dataclasses import replace

import pytest

from careloop.contracts.terms import Role
from services.notifications.domain.codes import CauseKind
from services.notifications.domain.deciding import DecideNotice, decide_notice
from services.notifications.domain.events import NoticeDecided
from services.notifications.domain.state import DECIDER
from tests.support.controls import notifications as control
from tests.support.controls.moments import NOON

PHARMACIST = control.member("paul-pharmacist", Role.PHARMACIST)
TEAM = (*control.TEAM, control.OTHER_PRESCRIBER, PHARMACIST)
OVER_ALERT = (CauseKind.PRESCRIPTION_ISSUED_OVER_ALERT, CauseKind.DOSE_CHANGED_OVER_ALERT)
EVERYBODY_ELSE = ["paul-pharmacist", control.TOM, control.MAYA]


def hearing(kind: CauseKind, prescriber: str, *, supervised: bool) -> list[str]:
    rules = replace(control.RULES, nurse_practitioners_supervised=supervised)
    command = DecideNotice(cause=control.cause(kind, named=prescriber), rules=rules, now=NOON)
    notice, *_ = decide_notice(command, DECIDER.fold(TEAM))
    assert isinstance(notice, NoticeDecided)
    return [it.person for it in notice.addressees]


@pytest.mark.parametrize("kind", OVER_ALERT)
def test_the_pharmacist_hears_of_it_beside_those_who_hear_of_every_order(kind: CauseKind) -> None:
    for prescriber in (control.DR_OSEI, control.DR_LIND):
        assert hearing(kind, prescriber, supervised=False) == EVERYBODY_ELSE


@pytest.mark.parametrize("kind", OVER_ALERT)
def test_where_the_programme_says_so_a_psychiatrist_hears_of_what_a_nurse_practitioner_overrode(
    kind: CauseKind,
) -> None:
    of_nurse = hearing(kind, control.DR_LIND, supervised=True)
    assert sorted(of_nurse) == sorted([*EVERYBODY_ELSE, control.DR_OSEI])
    assert hearing(kind, control.DR_OSEI, supervised=True) == EVERYBODY_ELSE


def test_a_prescriber_who_is_not_in_the_team_is_taken_for_one_to_be_supervised() -> None:
    assert control.DR_OSEI in hearing(OVER_ALERT[0], "somebody-else", supervised=True)
