"""Migrations are applied in the order in which they were added, or a database of an earlier build is not upgraded.

`migrations.txt` beside this file has them in that order. A new one goes to its end.
"""

from pathlib import Path

import pytest

from careloop.local.settings import SERVICES

ROOT = Path(__file__).parents[2]
ADDED = Path(__file__).with_name("migrations.txt").read_text().split()
OF_ALL = "careloop/chassis/migrations/"


def test_the_list_has_every_migration_and_no_other() -> None:
    there = {str(file.relative_to(ROOT)) for file in ROOT.glob("*/*/migrations/*.sql")}
    assert set(ADDED) == there, "a new migration goes to the end of migrations.txt; one that was released stays"


@pytest.mark.parametrize("service", SERVICES)
def test_each_is_higher_than_all_that_its_schema_had_before(service: str) -> None:
    own = (OF_ALL, f"services/{service}/migrations/")
    versions = [Path(file).name.partition("_")[0] for file in ADDED if file.startswith(own)]
    assert versions == sorted(set(versions))
