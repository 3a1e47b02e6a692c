"""How tests are shared between processes side by side: a file is one process's, and so are all whole systems."""

from xdist.scheduler import LoadFileScheduling

WHOLE_SYSTEMS = "tests/system/"


class OneSystemAtATime(LoadFileScheduling):  # type: ignore[misc] # the library has no types
    """Two whole systems at a time would starve each other on a small machine, and each process would start its own."""

    def _split_scope(self, nodeid: str) -> str:
        return WHOLE_SYSTEMS if nodeid.startswith(WHOLE_SYSTEMS) else str(super()._split_scope(nodeid))
