"""What holds for every command of every service."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.kernel.errors import CareloopError
from tests.support.decisions import EVERY_SERVICE, Deciding

of_every_service = pytest.mark.parametrize("deciding", EVERY_SERVICE, ids=lambda deciding: deciding.service)


@of_every_service
def test_every_command_has_an_example(deciding: Deciding) -> None:
    assert {type(command) for command in deciding.commands} == set(deciding.decisions)


@of_every_service
def test_every_command_twice_is_once_whatever_came_since(deciding: Deciding) -> None:
    history = list(deciding.background)
    for command in deciding.commands:
        decided = deciding.decide(command, history)
        assert decided, type(command).__name__
        history += decided
        assert deciding.decide(command, history) == []
    assert [deciding.decide(command, history) for command in deciding.commands] == [[] for _ in deciding.commands]


@of_every_service
@settings(deadline=None)
@given(data=st.data())
def test_every_command_twice_is_once_on_any_history(deciding: Deciding, data: st.DataObject) -> None:
    history = data.draw(st.lists(st.sampled_from(deciding.examples), max_size=12))
    command = data.draw(st.sampled_from(deciding.commands))
    try:
        decided = deciding.decide(command, history)
    except CareloopError:
        return
    assert deciding.decide(command, [*history, *decided]) == []
