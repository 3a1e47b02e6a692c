"""The real ways out: files in a folder, and a mail server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from careloop.contracts.notifications import Priority
from services.notifications.domain.codes import FailureReason
from services.notifications.sender import Message, SendFailed
from services.notifications.senders.files import FileSender
from services.notifications.senders.smtp import SmtpSender, SmtpServer, SmtpTls
from tests.support.controls import notifications as control
from tests.support.controls.moments import NOON

FROM = "Careloop <notices@careloop.invalid>"
MESSAGE = Message(
    message_id=control.ATTEMPTED.message_id,
    to="dr-osei@example.org",
    notice=control.NOTICE,
    priority=Priority.URGENT,
    at=NOON,
)
TEXT = f"You have an urgent Careloop notice. Sign in to read it. Reference {control.NOTICE}"


async def test_a_message_is_one_whole_file(tmp_path: Path) -> None:
    await FileSender(tmp_path / "mail", FROM).send(MESSAGE)
    (file,) = (tmp_path / "mail").iterdir()
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert (mail["Message-ID"], mail["To"], mail["From"]) == (MESSAGE.message_id, MESSAGE.to, FROM)
    assert mail.get_content().strip() == TEXT
    assert file.suffix == ".eml"
    assert TEXT.encode() in file.read_bytes()


async def test_the_same_message_again_is_the_same_file(tmp_path: Path) -> None:
    sender = FileSender(tmp_path, FROM)
    await sender.send(MESSAGE)
    (file,) = tmp_path.iterdir()
    before = file.stat().st_mtime_ns, file.read_bytes()
    await sender.send(MESSAGE)
    assert [(one.stat().st_mtime_ns, one.read_bytes()) for one in tmp_path.iterdir()] == [before]
    await sender.send(replace(MESSAGE, message_id=control.in_inbox("another").message_id))
    assert len(list(tmp_path.iterdir())) == 2


async def test_file_names_say_nothing(tmp_path: Path) -> None:
    await FileSender(tmp_path, FROM).send(MESSAGE)
    (file,) = tmp_path.iterdir()
    assert not any(word in file.name for word in ("osei", str(control.NOTICE), "example"))


async def test_a_folder_that_cannot_be_written_is_a_failure_worth_another_try(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file stands where the folder should be")
    with pytest.raises(SendFailed) as failed:
        await FileSender(tmp_path / "mail", FROM).send(MESSAGE)
    assert (failed.value.reason, failed.value.hopeless) == (FailureReason.UNREACHABLE, False)


async def test_an_address_cannot_smuggle_in_a_header(tmp_path: Path) -> None:
    with pytest.raises(SendFailed) as failed:
        await FileSender(tmp_path, FROM).send(replace(MESSAGE, to="a@example.org\r\nBcc: b@example.org"))
    assert failed.value.hopeless
    assert list(tmp_path.iterdir()) == []


@dataclass
class MailServer:
    """Speaks just enough SMTP on 127.0.0.1. `answers` replaces its answer to a verb; None hangs up instead."""

    answers: dict[str, str | None] = field(default_factory=dict)
    mails: list[bytes] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 test ESMTP\r\n")
        try:
            while line := (await reader.readline()).decode().strip():
                verb = line.split()[0].upper().split(":")[0]
                answer = self.answers.get(verb, {"DATA": "354 go on", "QUIT": "221 bye"}.get(verb, "250 OK"))
                if verb == "DATA" and answer and answer.startswith("354"):
                    writer.write(b"354 go on\r\n")
                    mail = await reader.readuntil(b"\r\n.\r\n")
                    answer = self.answers.get("CONTENT", "250 taken")
                    if answer is None or answer.startswith("250"):
                        self.mails.append(mail.removesuffix(b".\r\n"))
                if answer is None:
                    break
                writer.write(f"{answer}\r\n".encode())
        finally:
            writer.close()


@asynccontextmanager
async def mail_server(**answers: str | None) -> AsyncIterator[MailServer]:
    mails = MailServer(answers=answers)
    server = await asyncio.start_server(mails.serve, "127.0.0.1", 0)
    mails.port = server.sockets[0].getsockname()[1]
    async with server:
        yield mails


def to(port: int, *, tls: SmtpTls = SmtpTls.NONE, timeout_seconds: float = 2) -> SmtpSender:
    return SmtpSender(SmtpServer(host="127.0.0.1", port=port, tls=tls, timeout_seconds=timeout_seconds), FROM)


async def test_mail_reaches_the_server() -> None:
    async with mail_server() as server:
        await to(server.port).send(MESSAGE)
    (content,) = server.mails
    mail = message_from_bytes(content, policy=policy.default)
    assert (mail["Message-ID"], mail["To"]) == (MESSAGE.message_id, MESSAGE.to)
    assert mail.get_content().strip() == TEXT


@pytest.mark.parametrize(
    ("verb", "answer", "reason", "hopeless"),
    [
        ("RCPT", "550 no such person", FailureReason.REFUSED, True),
        ("RCPT", "500 what", FailureReason.REFUSED, True),
        ("RCPT", "499 almost", FailureReason.REFUSED, False),
        ("RCPT", "451 try later", FailureReason.REFUSED, False),
        ("MAIL", "452 full", FailureReason.REFUSED, False),
        ("CONTENT", "554 not wanted", FailureReason.REFUSED, True),
        ("CONTENT", "451 try later", FailureReason.REFUSED, False),
        ("CONTENT", None, FailureReason.OUTCOME_UNKNOWN, False),
    ],
)
async def test_what_the_server_says_decides_whether_to_try_again(
    verb: str, answer: str | None, reason: FailureReason, hopeless: bool
) -> None:
    async with mail_server(**{verb: answer}) as server:
        with pytest.raises(SendFailed) as failed:
            await to(server.port).send(MESSAGE)
    assert (failed.value.reason, failed.value.hopeless) == (reason, hopeless)


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    async with mail_server() as server:
        port = server.port
    with pytest.raises(SendFailed) as failed:
        await to(port).send(MESSAGE)
    assert (failed.value.reason, failed.value.hopeless) == (FailureReason.UNREACHABLE, False)


async def test_without_the_tls_that_was_asked_for_nothing_is_sent() -> None:
    async with mail_server() as server:
        with pytest.raises(SendFailed):
            await to(server.port, tls=SmtpTls.STARTTLS).send(MESSAGE)
    assert server.mails == []


async def test_an_address_that_the_server_cannot_spell_is_refused_for_good() -> None:
    async with mail_server() as server:
        with pytest.raises(SendFailed) as failed:
            await to(server.port).send(replace(MESSAGE, to="jürgen@example.org"))
    assert (failed.value.reason, failed.value.hopeless) == (FailureReason.REFUSED, True)
    assert server.mails == []
