"""Mail as files in a folder, for a machine without a mail server. Real messages, one file each."""

import asyncio
import os
from hashlib import sha256
from pathlib import Path

from services.notifications.domain.codes import FailureReason
from services.notifications.sender import Message, SendFailed


class FileSender:
    """Writes each message once, whole or not at all; its name derives from the Message-ID and says nothing else."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    async def send(self, message: Message) -> None:
        try:
            await asyncio.to_thread(self._write, message)
        except OSError:
            raise SendFailed(FailureReason.UNREACHABLE) from None
        except ValueError:
            raise SendFailed(FailureReason.NO_ADDRESS, hopeless=True) from None

    def _write(self, message: Message) -> None:
        target = self.path(message.message_id)
        if target.exists():
            return
        content = message.as_email(self._sender).as_bytes()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = target.with_suffix(f".{os.getpid()}.draft")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)

    def path(self, message_id: str) -> Path:
        """Where the message of this id lies once it is sent."""
        return self._folder / f"{sha256(message_id.encode()).hexdigest()[:32]}.eml"
