"""Becomes another program that ends when the one that started it does. Run as a script, before that program.

A `preexec_fn` would do the same in the forked child, but a fork of a process whose threads are calling into gRPC
may crash there.

    python launch.py PARENT_PID SIGNAL USER COMMAND...

USER is a number to run as, or `-`. The kernel sends the signal when the starting *thread* ends.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def launch(parent: int, death_signal: int, user: str, command: list[str]) -> None:
    if user != "-":
        os.setgroups([])
        os.setgid(int(user))
        os.setuid(int(user))
    if sys.platform == "linux":
        # After the change of user, which would undo it.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:
        sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - a shell would only stand between


if __name__ == "__main__":
    launch(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
