"""Certificates made for one test: an authority, and files signed by it as a cluster mounts them."""

import os
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from careloop.local.folders import runs_as_nobody
from careloop.local.processes import NOBODY


class Files:
    """`tls.crt`, `tls.key` and `ca.crt` in one folder, and the key with its certificate in one file for Kafka."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate, self.key = folder / "tls.crt", folder / "tls.key"
        self.authority, self.store = folder / "ca.crt", folder / "store.pem"

    def hold(self, authority: trustme.CA, *names: str) -> "Files":
        """A new certificate for these names; a server that runs as `nobody` can read its key, and others cannot."""
        issued = authority.issue_cert(*(names or ("127.0.0.1", "localhost")))
        chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
        key = load_pem_private_key(issued.private_key_pem.bytes(), password=None)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        _replace(self.authority, authority.cert_pem.bytes())
        _replace(self.key, pem)
        _replace(self.certificate, chain)
        _replace(self.store, pem + chain)
        return self


def _replace(file: Path, content: bytes) -> None:
    new = file.with_suffix(".new")
    new.write_bytes(content)
    new.chmod(0o600)
    if runs_as_nobody():
        os.chown(new, NOBODY, NOBODY)
    new.replace(file)
