"""Every test looks drugs, pairs and conditions up itself, instead of being answered by what an earlier test looked up.

Otherwise a test does not reach the code that it is about, and `make mutants` cannot see that it does.
"""

import pytest

from careloop.knowledge.pack import drugs, index

_REMEMBERING = tuple(
    member
    for module in (drugs, index)
    for member in vars(module).values()
    if hasattr(member, "cache_clear") and member.__module__ == module.__name__
)


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    for member in _REMEMBERING:
        member.cache_clear()
