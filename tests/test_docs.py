"""The documentation says what is so: generated pages are fresh, links lead somewhere, settings and commands exist."""

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import typer.main
import yaml
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings
from typer.core import TyperGroup
from typer.testing import CliRunner

from careloop.chassis.calls.statuses import STATUS_OF
from careloop.chassis.events.envelope import Envelope, to_headers
from careloop.chassis.process.settings import ServiceSettings
from careloop.chassis.process.transport import variable
from careloop.cli.commands.docs import generated
from careloop.cli.main import app
from careloop.contracts.policy import POLICY
from careloop.kernel.ids import EventId, PatientId, PersonId
from careloop.local.settings import StackSettings
from services.assessment.settings import AssessmentSettings
from services.notifications.settings import NotificationSettings
from services.prescribing.settings import PrescribingSettings

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
MODELS: list[type[BaseSettings]] = [
    ServiceSettings,
    AssessmentSettings,
    PrescribingSettings,
    NotificationSettings,
    StackSettings,
]

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def test_generated_pages_are_what_make_docs_writes_now() -> None:
    stale = [name for name, text in generated(ROOT).items() if not (DOCS / name).exists() or _read(name) != text]
    assert not stale, "run `make docs` and commit what it writes"


def test_generated_pages_do_not_depend_on_the_order_of_sets(tmp_path: Path) -> None:
    (tmp_path / "proto").symlink_to(ROOT / "proto")
    script = (
        "import sys; from pathlib import Path; from careloop.cli.commands.docs import docs; docs(Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    subprocess.run(command, check=True, cwd=ROOT, env={"PYTHONHASHSEED": "7"})
    written = {str(file.relative_to(tmp_path / "docs")): file.read_text() for file in (tmp_path / "docs").rglob("*.*")}
    assert written == generated(ROOT)


def test_the_rpc_table_has_every_call_of_the_policy() -> None:
    table = _read("rpcs.md")
    assert "nobody" not in table
    for method in POLICY:
        _, service, name = method.split("/")
        section = table.split(f"## {service}\n")[1].split("\n## ")[0]
        row = next(line for line in section.splitlines() if line.startswith(f"| `{name}`"))
        assert row.split(" | ")[1].strip(), f"{method} has no comment in its .proto file"


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    for target in _links(page.read_text()):
        assert not target.startswith("http"), f"{target}: nothing checks that it is still there"
        place, _, anchor = target.partition("#")
        found = (page.parent / place).resolve() if place else page
        assert found.exists(), target
        assert found.is_relative_to(ROOT), target
        if anchor:
            assert anchor in _anchors(found.read_text()), target


@each_page
def test_paths_named_in_the_text_exist(page: Path) -> None:
    named = re.findall(r"`((?:careloop|services|tests|proto|docs|deploy)/[\w./-]+)`", page.read_text())
    missing = [path for path in named if not (ROOT / path).exists()]
    assert not missing


@each_page
def test_make_targets_named_in_the_text_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(), re.MULTILINE))
    assert named <= targets


def test_every_command_of_the_console_script_is_named() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    commands = set(group.commands)
    assert "status" in commands
    assert not {name for name in commands if not re.search(rf"`(?:careloop )?{name}\b", _operating())}


def test_a_folder_that_is_no_checkout_is_wrong_use(tmp_path: Path) -> None:
    outcome = CliRunner().invoke(app, ["docs", "--root", str(tmp_path)])
    assert outcome.exit_code == 2
    assert "proto/care" in outcome.output
    assert not (tmp_path / "docs").exists()


def test_the_readme_names_the_two_commands() -> None:
    assert re.findall(r"^make (\w+) ", (ROOT / "README.md").read_text(), re.MULTILINE) == ["demo", "test"]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_setting_is_explained_with_its_default(model: type[BaseSettings]) -> None:
    explained = _rows(_operating())
    inherited = set(ServiceSettings.model_fields) if model is not ServiceSettings else set()
    for name, field in model.model_fields.items():
        if name in inherited and issubclass(model, ServiceSettings):
            continue
        default = "required" if field.is_required() else _shown(field.get_default(call_default_factory=True))
        assert default in explained.get(variable(name), set()), f"{variable(name)}: {default}"


def test_no_setting_is_explained_that_does_not_exist() -> None:
    known = {variable(name) for model in MODELS for name in model.model_fields} | {"CARELOOP_TOKEN"}
    known |= {name for file in _sources("tests") for name in re.findall(r'environ.get\("(\w+)"', file.read_text())}
    named = {name for page in PAGES for name in re.findall(r"CARELOOP_[A-Z_]+[A-Z]", page.read_text())}
    assert named <= known


def test_every_log_line_that_asks_for_a_person_is_explained() -> None:
    told = re.compile(r"\.(?:warning|error|critical)\(\s*\"([a-z ]+)\"")
    sources = [*(ROOT / "careloop" / "chassis").rglob("*.py"), *(ROOT / "services").rglob("*.py")]
    lines = {line for source in sources for line in told.findall(source.read_text())}
    assert "patient parked" in lines
    assert not {line for line in lines if f"`{line}`" not in _operating()}


def test_every_figure_is_explained() -> None:
    figures = set(re.findall(r'"(careloop_\w+)"', (ROOT / "careloop/chassis/operations/metrics.py").read_text()))
    assert "careloop_parked" in figures
    assert not {figure for figure in figures if f"`{figure}" not in _operating()}


def test_every_alert_has_a_runbook_a_place_in_the_list_and_a_test() -> None:
    rules = yaml.safe_load((ROOT / "deploy/alerts/careloop.yaml").read_text())["groups"]
    alerts = {rule["alert"] for group in rules for rule in group["rules"]}
    assert {file.stem for file in (DOCS / "runbooks").glob("*.md")} == alerts
    assert set(re.findall(r"\.\./runbooks/(\w+)\.md", _operating())) == alerts
    tests = yaml.safe_load((ROOT / "deploy/alerts/careloop.test.yaml").read_text())["tests"]
    assert {test["name"] for test in tests} == alerts


def test_every_data_file_of_the_pack_is_named() -> None:
    files = {file.name for file in (ROOT / "careloop/knowledge/data").glob("*.yaml")}
    assert files
    assert not {file for file in files if file not in _read("care-rules.md")}


def test_every_decision_record_is_listed() -> None:
    records = {file.name for file in (DOCS / "adr").glob("0*.md")}
    assert records == {link for link in _links(_read("adr/README.md")) if link.startswith("0")}


def test_every_header_of_a_record_is_explained() -> None:
    envelope = Envelope(
        event_id=EventId(uuid4()),
        type="care.assessment.RiskRaised.v1",
        source="assessment",
        patient_id=PatientId(uuid4()),
        occurred_at=datetime(2026, 11, 23, tzinfo=UTC),
        recorded_at=datetime(2026, 11, 23, tzinfo=UTC),
        position=2,
        previous=1,
        actor=PersonId("cm-1"),
        correlation_id=uuid4(),
        causation_id=uuid4(),
        key_id="key-1",
    )
    sent = {name for name, _ in to_headers(envelope)}
    explained = set(re.findall(r"`(ce_\w+|content-type)`", _read("analyse.md")))
    assert explained == sent


def test_the_glossary_names_what_is_in_the_code() -> None:
    code = "\n".join(file.read_text() for room in ("careloop", "services", "proto") for file in _sources(room))
    named = set(re.findall(r"`([A-Za-z_]+)`", _read("glossary.md"))) - {"entered-in-error"}
    assert "CareView" in named
    assert not {name for name in named if not re.search(rf"\b{name}\b", code)}


def test_reasons_named_to_callers_are_reasons_of_the_code() -> None:
    code = "\n".join(file.read_text() for room in ("careloop", "services") for file in _sources(room))
    table = _read("build-on.md").split("## Statuses")[1].split("## ")[0]
    named = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", table))
    assert "request-id-reused" in named
    assert not {reason for reason in named if f'"{reason}"' not in code}


def test_every_status_that_a_refusal_can_have_is_explained() -> None:
    table = _read("build-on.md").split("## Statuses")[1]
    assert not {code.name for code in STATUS_OF.values() if f"| `{code.name}` |" not in table}


def _sources(room: str) -> Iterator[Path]:
    for file in (ROOT / room).rglob("*"):
        if file.suffix in {".py", ".proto", ".yaml"} and "_pb2" not in file.name:
            yield file


def _read(name: str) -> str:
    return (DOCS / name).read_text()


def _operating() -> str:
    """The page for operators, and its chapters."""
    return "\n".join(page.read_text() for page in [DOCS / "operate.md", *sorted((DOCS / "operate").glob("*.md"))])


def _links(text: str) -> Iterator[str]:
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return iter(re.findall(r"\]\(([^)\s]+)\)", prose))


def _anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def _rows(text: str) -> dict[str, set[str]]:
    """The defaults that a page's tables give for each variable."""
    rows: dict[str, set[str]] = {}
    for name, default in re.findall(r"^\| `(CARELOOP_\w+)` \| (.+?) \|", text, re.MULTILINE):
        rows.setdefault(name, set()).add(default)
    return rows


def _shown(default: object) -> str:
    """A default as the tables write it."""
    assert default is not PydanticUndefined
    if default in (None, "", {}) or str(default) in {"", "**********"}:
        return "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, frozenset):
        return "`[" + ", ".join(f'"{one}"' for one in sorted(default)) + "]`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def test_the_fact_that_is_added_as_an_example_stands_in_the_code_as_it_is_shown() -> None:
    (shown,) = re.findall(r"```diff\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    files = [file.splitlines() for file in shown.strip().split("\n\n")]
    assert len(files) == 9
    for path, *added in files:
        lines = (ROOT / path).read_text().splitlines()
        assert added
        assert not [line for line in added if not line.startswith("+") or line.removeprefix("+") not in lines]
