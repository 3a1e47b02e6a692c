"""No jar runs that is not the one whose digest is committed."""

import shutil
from pathlib import Path

import pytest

from careloop.local.jars import fetch, pinned
from careloop.local.settings import StackSettings
from careloop.local.unavailable import StackUnavailable

SMALL = "org.jspecify:jspecify:1.0.0"

pytestmark = pytest.mark.kafka


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache that holds one good jar."""
    (good,) = fetch(StackSettings().download_cache / "jars", {SMALL: pinned()[SMALL]})
    copy = tmp_path / "org" / "jspecify" / "jspecify" / "1.0.0" / good.name
    copy.parent.mkdir(parents=True)
    shutil.copy(good, copy)
    return tmp_path


def test_forty_five_jars_are_pinned() -> None:
    digests = pinned()
    assert len(digests) == 45
    assert all(len(digest) == 64 for digest in digests.values())
    assert "org.apache.kafka:kafka_2.13:4.4.0" in digests


def test_a_jar_with_another_digest_is_refused_and_not_kept(cache: Path) -> None:
    with pytest.raises(StackUnavailable, match="does not have its pinned SHA-256"):
        fetch(cache, {SMALL: "0" * 64})
    assert list(cache.rglob("*.jar")) == []


def test_a_damaged_jar_is_fetched_again(cache: Path) -> None:
    (jar,) = cache.rglob("*.jar")
    sound = jar.read_bytes()
    jar.write_bytes(sound[:-1])
    assert fetch(cache, {SMALL: pinned()[SMALL]}) == [jar]
    assert jar.read_bytes() == sound
