"""Free ports on 127.0.0.1, remembered in the state folder so that a second start answers where the first did."""

import json
import socket
from pathlib import Path

from careloop.local.folders import write_private
from careloop.local.unavailable import StackUnavailable


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def answers(port: int) -> bool:
    """Whether something accepts connections on this port of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Ports:
    """Port numbers by name, in one small file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._by_name: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}

    def take(self, name: str, wanted: int | None = None) -> int:
        """The wanted port, else the remembered one when it is free, else a new free one."""
        if wanted is not None and not is_free(wanted):
            raise StackUnavailable(f"port {wanted} for {name} is taken by another process; name another one or none")
        remembered = self._by_name.get(name)
        port = wanted or (remembered if remembered and is_free(remembered) else self._another())
        self._by_name[name] = port
        write_private(self._file, json.dumps(self._by_name, indent=2, sort_keys=True) + "\n")
        return port

    def _another(self) -> int:
        while True:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = int(probe.getsockname()[1])
            if port not in self._by_name.values():
                return port
