"""The build refuses .proto files that older clients could not speak to."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BUF = Path(sys.executable).with_name("buf")


def breaking(against: Path, workspace: Path) -> subprocess.CompletedProcess[str]:
    command = [str(BUF), "breaking", "--against", str(against)]
    return subprocess.run(command, cwd=workspace, capture_output=True, text=True, check=False)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "buf.yaml", tmp_path)
    shutil.copytree(ROOT / "proto", tmp_path / "proto", ignore=shutil.ignore_patterns("*.py", "*.pyi", "*.binpb"))
    return tmp_path


@pytest.mark.parametrize(
    ("told", "instead"),
    [
        ("  string symptom = 3;", ""),
        ("  string symptom = 3;", "  int32 symptom = 3;"),
        ("  string symptom = 3;", "  string symptom = 33;"),
        ("DOSE_STATUS_SKIPPED = 2;", "DOSE_STATUS_SKIPPED = 3;"),
        ("  rpc RecordDose(RecordDoseRequest) returns (RecordDoseResponse);", ""),
    ],
    ids=["field removed", "field of another type", "field of another number", "enum value changed", "RPC removed"],
)
def test_what_older_clients_cannot_speak_to_is_refused(workspace: Path, told: str, instead: str) -> None:
    file = workspace / "proto/care/monitoring/v1/monitoring.proto"
    text = file.read_text()
    assert told in text
    file.write_text(text.replace(told, instead))
    found = breaking(ROOT / "proto/image.binpb", workspace)
    assert found.returncode == 100, found.stderr
    assert "monitoring.proto" in found.stdout


def test_what_is_there_breaks_nothing(workspace: Path) -> None:
    found = breaking(ROOT / "proto/image.binpb", workspace)
    assert found.returncode == 0, found.stdout + found.stderr


def test_a_new_field_breaks_nothing(workspace: Path) -> None:
    file = workspace / "proto/care/monitoring/v1/monitoring.proto"
    file.write_text(file.read_text().replace("  string symptom = 3;", "  string symptom = 3;\n  string mood = 99;"))
    found = breaking(ROOT / "proto/image.binpb", workspace)
    assert found.returncode == 0, found.stdout + found.stderr
