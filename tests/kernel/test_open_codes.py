"""A code that only a later build knows is kept as it came."""

from dataclasses import dataclass

import msgspec
import pytest

from careloop.kernel.open_codes import OpenCodes


class Channel(OpenCodes):
    INBOX = "inbox"
    EMAIL = "email"


@dataclass(frozen=True)
class Sent:
    channel: Channel
    others: tuple[Channel, ...] = ()


def test_a_known_code_is_the_member_itself() -> None:
    assert msgspec.json.decode(b'{"channel": "email"}', type=Sent).channel is Channel.EMAIL
    assert Channel.EMAIL.known


def test_an_unknown_code_is_read_is_not_known_and_is_written_as_it_came() -> None:
    written = b'{"channel":"pager","others":["email","fax"]}'
    read = msgspec.json.decode(written, type=Sent)
    assert (read.channel, read.channel.known, read.channel == "pager") == ("pager", False, True)
    assert read.channel not in list(Channel)
    assert [code.known for code in read.others] == [True, False]
    assert msgspec.json.encode(read) == written


def test_the_same_unknown_code_is_equal_to_itself_and_to_no_other() -> None:
    assert Channel("pager") == Channel("pager") != Channel("fax")
    assert {Channel("pager"): 1}[Channel("pager")] == 1


def test_only_a_text_is_a_code() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"channel": 3}', type=Sent)
