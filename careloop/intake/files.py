"""The bytes of a file as JSON documents: one whole document, or one a line (NDJSON), packed with gzip or not."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

LARGEST_BYTES = 512 * 1024 * 1024
"""Of a file, unpacked. A small file can unpack to more than the machine holds."""
GZIP = b"\x1f\x8b"
MARK = b"\xef\xbb\xbf"
OTHER_ENCODINGS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_ANY = msgspec.json.Decoder(msgspec.Raw)


class NotReadable(Exception):
    """Why nothing of the file is read: words that hold nothing of it."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Document:
    """One JSON document; `line` counts from 1 in a file of one document a line, and is 0 else."""

    content: bytes
    line: int = 0


def documents(content: bytes, *, largest: int = LARGEST_BYTES) -> Iterator[Document]:
    """Raises NotReadable. A line that is no JSON is handed on: its reader counts it."""
    text = _unpacked(content, largest) if content.startswith(GZIP) else content
    if len(text) > largest:
        raise NotReadable(f"larger than {largest // 2**20} MiB")
    if text.startswith(OTHER_ENCODINGS):
        raise NotReadable("not UTF-8")
    text = text.removeprefix(MARK)
    try:
        text.decode()
    except UnicodeDecodeError:
        raise NotReadable("not UTF-8") from None
    if not text.strip():
        raise NotReadable("empty")
    return iter([Document(text)]) if _is_json(text) else _lines(text)


def _unpacked(packed: bytes, largest: int) -> bytes:
    """All members of the gzip file, unpacked no further than `largest`."""
    whole, rest = bytearray(), packed
    try:
        while rest.startswith(GZIP):
            unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            whole += unpacking.decompress(rest, largest - len(whole) + 1)
            if len(whole) > largest:
                raise NotReadable(f"unpacks to more than {largest // 2**20} MiB")
            if not unpacking.eof:
                raise NotReadable("gzip ends too early")
            rest = unpacking.unused_data
    except zlib.error:
        raise NotReadable("damaged gzip") from None
    return bytes(whole)


def _lines(text: bytes) -> Iterator[Document]:
    """Raises NotReadable if the first line is no JSON of its own: then the file is neither form."""
    lines = [Document(line, number) for number, line in enumerate(text.split(b"\n"), 1) if line.strip()]
    if len(lines) < 2 or not _is_json(lines[0].content):
        raise NotReadable("not JSON")
    return iter(lines)


def _is_json(text: bytes) -> bool:
    try:
        _ANY.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True
