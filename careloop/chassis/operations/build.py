"""Which release this process is of."""

from importlib.metadata import version

VERSION = version("careloop")
