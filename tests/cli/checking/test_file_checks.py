"""`careloop check` on keys and certificates with one thing wrong."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from careloop.chassis.calls.token_signing import new_key, public_key_set
from careloop.cli.checking import files as checks
from careloop.cli.checking.files import FileSettings
from careloop.cli.checking.findings import Level
from tests.support.certificates import Files

NOW = datetime.now(UTC)


@pytest.fixture
def mounted(tmp_path: Path) -> FileSettings:
    own, issuer = new_key("service:monitoring"), new_key("issuer")
    service_key, token_keys = tmp_path / "private.jwk.json", tmp_path / "public.jwks.json"
    write(service_key, own)
    write(token_keys, public_key_set([own, issuer]))
    held = Files(tmp_path / "grpc").hold(trustme.CA())
    return FileSettings(
        token_keys_file=token_keys,
        service_key_file=service_key,
        grpc_cert_file=held.certificate,
        grpc_key_file=held.key,
        grpc_ca_file=held.authority,
    )


def write(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content))
    file.chmod(0o600)


def wrong(files: FileSettings, now: datetime = NOW) -> list[tuple[str, str, str]]:
    found = checks.look(files, [], now)
    return [(one.check, one.about, str(one.level)) for one in found if one.level is not Level.OK]


def test_files_as_they_must_be_have_nothing_wrong(mounted: FileSettings) -> None:
    assert wrong(mounted) == []


def test_a_key_that_everybody_may_read_is_named(mounted: FileSettings) -> None:
    assert mounted.service_key_file is not None
    mounted.service_key_file.chmod(0o604)
    assert wrong(mounted) == [("secret-readable", "private.jwk.json", "failure")]


def test_a_file_that_is_not_mounted_is_named(mounted: FileSettings, tmp_path: Path) -> None:
    changed = mounted.model_copy(update={"postgres_password_file": tmp_path / "nowhere"})
    assert wrong(changed) == [("secret-readable", "nowhere", "failure")]


def test_a_service_key_that_nobody_believes_is_named(mounted: FileSettings) -> None:
    assert mounted.service_key_file is not None
    write(mounted.service_key_file, new_key("service:monitoring"))
    assert wrong(mounted) == [("private-key", "private.jwk.json", "failure")]
    write(mounted.service_key_file, new_key("service:prescribing"))
    assert wrong(mounted) == [("private-key", "private.jwk.json", "failure")]


def test_a_key_set_without_an_issuer_is_a_warning(mounted: FileSettings) -> None:
    assert mounted.service_key_file is not None
    assert mounted.token_keys_file is not None
    own = json.loads(mounted.service_key_file.read_text())
    write(mounted.token_keys_file, public_key_set([own]))
    assert wrong(mounted) == [("key-set-issuers", "public.jwks.json", "warning")]


def test_a_key_set_with_a_private_key_in_it_is_named(mounted: FileSettings) -> None:
    assert mounted.token_keys_file is not None
    write(mounted.token_keys_file, {"keys": [new_key("issuer")]})
    assert wrong(mounted) == [("key-set", "public.jwks.json", "failure")]


def test_a_certificate_beside_another_key_is_named(mounted: FileSettings, tmp_path: Path) -> None:
    other = Files(tmp_path / "other").hold(trustme.CA())
    changed = mounted.model_copy(update={"grpc_key_file": other.key})
    assert wrong(changed) == [("certificate-key", "tls.crt", "failure")]


def test_a_certificate_is_a_warning_two_weeks_before_its_end_and_a_failure_after_it(
    mounted: FileSettings, tmp_path: Path
) -> None:
    authority, held = trustme.CA(), Files(tmp_path / "grpc")
    held.hold(authority)
    issued = authority.issue_cert("127.0.0.1", not_after=NOW + timedelta(days=20))
    held.certificate.write_bytes(issued.cert_chain_pems[0].bytes())
    held.key.write_bytes(issued.private_key_pem.bytes())
    assert wrong(mounted) == []
    assert wrong(mounted, NOW + timedelta(days=7)) == [("certificate-current", "tls.crt", "warning")]
    assert wrong(mounted, NOW + timedelta(days=21)) == [("certificate-current", "tls.crt", "failure")]


def test_no_finding_shows_what_a_secret_holds(mounted: FileSettings) -> None:
    assert mounted.service_key_file is not None
    secret = json.loads(mounted.service_key_file.read_text())["d"]
    assert secret not in repr(checks.look(mounted, [mounted.service_key_file], NOW))
