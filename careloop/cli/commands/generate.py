"""`careloop generate`: realistic patients to try the system out with, made by Synthea and the same every time."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from careloop.cli.calling.client import Home
from careloop.cli.terminal.progress import progress
from careloop.local.settings import stack_settings

LONGEST_RUN_SECONDS = 900
LOOK_AGAIN_SECONDS = 0.5
DIGEST_FILE = "digest"
Made = Callable[[int], None]
"""Hears now and then how many patients are made; what it raises ends the making."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """What decides every byte of the bundles. `date` is YYYYMMDD, the day on which the patients' stories end."""

    patients: int = 16
    seed: int = 7
    date: str = "20261101"
    ages: str = "18-65"

    @property
    def name(self) -> str:
        return f"synthea-p{self.patients}-s{self.seed}-r{self.date}-a{self.ages}"


EXPECTED: dict[Population, str] = {
    Population(): "sha256:2c49754e38730ca2e5eb25a1ef5c75b2b726bdf7aebf1b9e2911a0ed45936f62",
    Population(patients=40): "sha256:3cf41cf5231886b7a7d25230ba67e2a9ab347772effbee19026ce63ddcd57020",
    Population(patients=2, seed=11): "sha256:4831a604ba7803f3a3e545d5bea0579038ce3584f5fd50c769af3c18bb584ff4",
}
"""What these populations came to when they were first made."""


class GenerationFailed(Exception):
    """Synthea could not make the patients, or made others than it did before."""


def generated(home: Path, population: Population, made: Made = lambda _count: None) -> Path:
    """The folder with one bundle per patient, made once per state folder. Raises GenerationFailed."""
    folder = home / "generated" / population.name
    if not (folder / DIGEST_FILE).exists():
        _make(folder, population, made)
    _check(folder, population)
    return folder


def digest_of(folder: Path) -> str:
    """One digest over the names and contents of the bundles."""
    whole = sha256()
    for file in sorted(folder.glob("*.json")):
        whole.update(f"{file.name}\0{sha256(file.read_bytes()).hexdigest()}\n".encode())
    return f"sha256:{whole.hexdigest()}"


def _make(folder: Path, population: Population, made: Made) -> None:
    unfinished = folder.with_name(f"{folder.name}.{os.getpid()}")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    _run_synthea(unfinished, population, made)
    bundles = unfinished / "fhir"
    (bundles / DIGEST_FILE).write_text(digest_of(bundles) + "\n")
    shutil.rmtree(folder, ignore_errors=True)
    bundles.rename(folder)
    shutil.rmtree(unfinished)


def _run_synthea(output: Path, population: Population, made: Made) -> None:
    command = [sys.executable, "-c", "from synthea.cli import cli; cli()"]
    command += ["-p", f"{population.patients}", "-s", f"{population.seed}", "-r", population.date]
    command += ["-a", population.ages, "--profile", "us-core", "-o", str(output), "--log-level", "error"]
    # Sets of strings iterate by their hashes: a fixed seed keeps their order the same.
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    bundles = output / "fhir"
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=said, cwd=output) as synthea,
    ):
        try:
            _watch(synthea, lambda: made(len(list(bundles.glob("*.json")))))
        finally:
            synthea.kill()
        said.seek(0)
        last = said.read().decode(errors="replace").strip().splitlines()[-1:]
    if synthea.returncode != 0 or not list(bundles.glob("*.json")):
        raise GenerationFailed(f"synthea ended with exit code {synthea.returncode}: {''.join(last)}")


def _watch(synthea: subprocess.Popen[bytes], look: Callable[[], None]) -> None:
    give_up_at = time.monotonic() + LONGEST_RUN_SECONDS
    while synthea.poll() is None:
        if time.monotonic() > give_up_at:
            raise GenerationFailed(f"synthea took more than {LONGEST_RUN_SECONDS} s")
        look()
        with suppress(subprocess.TimeoutExpired):
            synthea.wait(LOOK_AGAIN_SECONDS)


def _check(folder: Path, population: Population) -> None:
    found = digest_of(folder)
    if found != (folder / DIGEST_FILE).read_text().strip():
        raise GenerationFailed(f"{folder} was changed since it was made; remove it to make it again")
    if found != EXPECTED.get(population, found):
        raise GenerationFailed(f"synthea made other patients than expected in {folder}: {found}")


def generate(
    patients: Annotated[int, typer.Option(help="How many; a few of them have died.", min=1, max=5_000)] = 16,
    seed: Annotated[int, typer.Option(help="The same seed makes the same patients.", min=0)] = 7,
    date: Annotated[str, typer.Option(help="The day their stories end, YYYYMMDD.")] = "20261101",
    ages: Annotated[str, typer.Option(help="Youngest and oldest.")] = "18-65",
    home: Home = None,
) -> None:
    """Make FHIR bundles of generated patients, once, and print the folder they are in: input for `careloop intake`.

    Standard error says how far it is.
    Exits 0 when they are there, 1 when Synthea failed or made other patients than it did before, 2 for wrong use.
    """
    population = Population(patients=patients, seed=seed, date=date, ages=ages)
    try:
        with progress("patients") as shown:
            folder = generated(
                stack_settings(home=home).state_folder, population, lambda made: shown.at("Made", made, patients)
            )
        typer.echo(folder)
    except GenerationFailed as failure:
        typer.echo(f"careloop: {failure}", err=True)
        raise typer.Exit(1) from None
