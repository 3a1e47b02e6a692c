"""Becomes a program inside an image's file system, as a cluster's nodes start it: root read-only, no powers, uid 10001.

    unshare --mount python -m tests.image.inside ROOT PROGRAM...

Of the environment CARELOOP_... is passed, but for a developer's machine's; the keys that it names are copied to /tmp.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

USER = 10_001
IMAGE_PATH = "/opt/careloop/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OF_A_MACHINE = ("CARELOOP_LOCAL", "CARELOOP_CLOCK_FILE")
"""Settings of a developer's machine; a cluster has none."""
KEY_FILES = ("CARELOOP_TOKEN_KEYS_FILE", "CARELOOP_SERVICE_KEY_FILE")


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def prepare(root: Path) -> None:
    """In a mount namespace of this process: the root is read-only, /tmp is memory, devices and processes are there."""
    mount("--make-rprivate", "/")
    mount("--bind", str(root), str(root))
    mount("-o", "remount,bind,ro", str(root))
    mount("-t", "tmpfs", "-o", "size=256m,mode=1777", "tmpfs", str(root / "tmp"))
    mount("-t", "proc", "-o", "nosuid,nodev,noexec", "proc", str(root / "proc"))
    mount("--rbind", "/dev", str(root / "dev"))


def keys_copied(root: Path) -> dict[str, str]:
    """The settings of the keys that are set, as the image sees them."""
    seen: dict[str, str] = {}
    for setting in KEY_FILES:
        if setting in os.environ:
            copied = shutil.copy(os.environ[setting], root / "tmp")
            os.chown(copied, USER, USER)
            seen[setting] = f"/tmp/{Path(copied).name}"
    return seen


def environment() -> dict[str, str]:
    passed = {name: value for name, value in os.environ.items() if name.startswith("CARELOOP_")}
    own = {name: value for name, value in passed.items() if name not in OF_A_MACHINE}
    fixed = {"PATH": IMAGE_PATH, "HOME": "/tmp", "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return own | fixed | {"CARELOOP_HOME": "/tmp", "CARELOOP_NOTICE_FOLDER": "/tmp/mail"}


def main(root: str, program: str, *words: str) -> None:
    prepare(Path(root))
    given = environment() | keys_copied(Path(root))
    os.chroot(root)
    os.chdir("/tmp")
    os.setgroups([])
    os.setgid(USER)
    os.setuid(USER)
    os.execvpe(program, [program, *words], given)


if __name__ == "__main__":
    main(*sys.argv[1:])
