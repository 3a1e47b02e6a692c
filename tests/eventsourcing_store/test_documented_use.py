"""What docs/build-on.md says about the library is run as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg

from tests.support.library import environment
from tests.support.stack import PostgresDatabase

PAGE = Path(__file__).parents[2] / "docs" / "build-on.md"


def blocks(language: str) -> list[str]:
    section = PAGE.read_text("utf-8").split("## With the eventsourcing library\n")[1].split("\n## ")[0]
    fenced = [block.partition("\n") for block in section.split("```")[1::2]]
    return [text for name, _, text in fenced if name == language]


def test_the_program_prints_what_the_page_says(postgres: PostgresDatabase, tmp_path: Path) -> None:
    role = f"{postgres.name}_shop"
    (preparation,) = blocks("sql")
    with psycopg.connect(postgres.admin_dsn, autocommit=True) as server:
        named = preparation.replace("role shop", f"role {role}").replace("authorization shop", f"authorization {role}")
        named = named.replace("database careloop to shop", f"database {postgres.name} to {role}")
        server.execute(named.encode())

    (program,) = blocks("python")
    script = tmp_path / "shop.py"
    script.write_text(program)
    told = environment(postgres.dsn(role), "shop")
    (variables,) = blocks("")
    assert set(re.findall(r"(\w+)=", variables)) == set(told)
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"this program prints `{done.stdout.strip()}`" in PAGE.read_text("utf-8")
