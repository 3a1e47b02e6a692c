"""Secrets in files that change under a running process."""

import asyncio
from pathlib import Path

import pytest

from careloop.chassis.secret_files import SecretFile, keep_looking, read_password
from tests.support.waiting import until


class Bad(Exception):
    pass


class Used:
    """What was put to use, in order; a content of `bad` is refused."""

    def __init__(self) -> None:
        self.contents: list[str] = []

    def __call__(self, file: Path) -> None:
        content = file.read_text()
        if content == "bad":
            raise Bad
        self.contents.append(content)


def watched(path: Path, content: str = "first") -> tuple[SecretFile, Used]:
    path.write_text(content)
    used = Used()
    return SecretFile(path, used, Bad), used


def test_a_file_is_used_again_only_when_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "key"
    file, used = watched(path)
    file.look()
    assert used.contents == []
    path.write_text("second")
    file.look()
    file.look()
    assert used.contents == ["second"]


def test_what_cannot_be_used_leaves_the_former_in_use_until_it_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "key"
    file, used = watched(path)
    path.write_text("bad")
    file.look()
    assert used.contents == []
    path.write_text("third")
    file.look()
    assert used.contents == ["third"]


async def test_a_mount_that_is_swapped_by_a_link_is_seen_while_a_process_runs(tmp_path: Path) -> None:
    mount = tmp_path / "data"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "key").write_text(name)
    mount.symlink_to(tmp_path / "one")
    used = Used()
    stopping = asyncio.Event()
    looking = asyncio.create_task(keep_looking([SecretFile(mount / "key", used, Bad)], stopping))
    new = tmp_path / "new"
    new.symlink_to(tmp_path / "two")
    new.replace(mount)
    await until(lambda: used.contents == ["two"])
    stopping.set()
    await looking


def test_a_password_has_no_line_break_and_is_text(tmp_path: Path) -> None:
    word = tmp_path / "word"
    word.write_bytes(b" with spaces \r\n")
    assert read_password(word) == " with spaces "
    word.write_bytes(b"\xff\xfe")
    with pytest.raises(OSError, match="not text"):
        read_password(word)
