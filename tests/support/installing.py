"""Careloop installed as people install it: a wheel and what it declares to need, in a fresh environment.

Nothing is downloaded: the needed packages are linked (or copied) from the environment of the tests.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distribution
from importlib.util import cache_from_source
from pathlib import Path

from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from careloop.local.folders import nobody_can_pass, runs_as_nobody
from careloop.local.processes import NOBODY

ROOT = Path(__file__).parents[2]


def built_wheel(folder: Path) -> Path:
    """The wheel of this checkout."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    return wheel


def install_into(folder: Path, wheel: Path) -> Path:
    """The `bin` folder of a fresh environment with the wheel and its dependencies, which any user may use."""
    python = _reachable_python(folder / "python")
    command = [str(python), "-m", "venv", "--without-pip", str(folder / "venv")]
    subprocess.run(command, check=True, timeout=120, env=environment(folder))
    own = folder / "venv" / "bin" / "python"
    site = folder / "venv" / "lib" / f"python{_version()}" / "site-packages"
    for needed in _needed(distribution("careloop")):
        _link(needed, site)
    scheme = {"purelib": str(site), "platlib": str(site), "scripts": str(own.parent), "data": str(folder / "venv")}
    with WheelFile.open(wheel) as source:
        destination = SchemeDictionaryDestination(
            scheme, interpreter=str(own), script_kind="posix", bytecode_optimization_levels=(0,)
        )
        install(source, destination, additional_metadata={})
    return own.parent


def environment(folder: Path, programs: Path | None = None) -> dict[str, str]:
    """What a reader's shell has, and no more: a home folder and a path."""
    path = os.pathsep.join([*([str(programs)] if programs else []), os.defpath])
    home = folder / "home"
    home.mkdir(mode=0o777, exist_ok=True)
    home.chmod(0o777)
    linked = {"LD_LIBRARY_PATH": str(folder / "python" / "lib")} if (folder / "python").exists() else {}
    return {"PATH": path, "HOME": str(home), "COLUMNS": "200", **linked}


def user_of(*places: Path) -> Mapping[str, object]:
    """For `subprocess.run`: a user who is not root, if one can come to these places; without being root, oneself."""
    if not runs_as_nobody() or not all(nobody_can_pass(place.resolve().parent) for place in places):
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def _version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _reachable_python(copy: Path) -> Path:
    """The Python of the tests, from a copy where others could not run it (below a closed home folder)."""
    base = Path(sys.base_prefix)
    name = f"python{_version()}"
    if not runs_as_nobody() or nobody_can_pass((base / "bin" / name).resolve().parent):
        return base / "bin" / name
    left_out = shutil.ignore_patterns("test", "site-packages", "idlelib", "lib2to3", "ensurepip", "config-*")
    shutil.copytree(base / "lib" / name, copy / "lib" / name, ignore=left_out)
    for library in Path(sysconfig.get_config_var("LIBDIR")).glob("libpython*.so*"):
        shutil.copy(library, copy / "lib")
    (copy / "bin").mkdir()
    return Path(shutil.copy((base / "bin" / name).resolve(), copy / "bin" / name))


def _needed(root: Distribution) -> Iterator[Distribution]:
    """What a distribution needs, and what that needs, each once; extras as they are asked for."""
    wanted: list[tuple[Distribution, frozenset[str]]] = [(root, frozenset())]
    seen: set[tuple[str, frozenset[str]]] = set()
    given: set[str] = set()
    while wanted:
        one, extras = wanted.pop()
        if (one.name, extras) in seen:
            continue
        seen.add((one.name, extras))
        if one is not root and canonicalize_name(one.name) not in given:
            given.add(canonicalize_name(one.name))
            yield one
        for text in one.requires or ():
            requirement = Requirement(text)
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                wanted.append((distribution(requirement.name), frozenset(requirement.extras)))


def _link(needed: Distribution, site: Path) -> None:
    for file in needed.files or ():
        if file.parts[0] == "..":
            continue
        source, target = Path(str(needed.locate_file(file))), site.joinpath(*file.parts)
        _link_one(source, target)
        if source.suffix == ".py":
            _link_one(Path(cache_from_source(str(source))), Path(cache_from_source(str(target))))


def _link_one(source: Path, target: Path) -> None:
    if target.exists() or not source.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another disk
        shutil.copy2(source, target)
