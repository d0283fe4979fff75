"""The parts of a ZIP archive that is exactly as a bundle is written, in one pass over the file.

Everything else is left to :mod:`zipfile`, which reads any archive, and whose loading and second
copy of the network would take a good part of the time that a photo takes.

Source: PKWARE's APPNOTE.TXT, 4.3.7 (local headers), 4.3.12 (directory), 4.3.16 (its end).
"""

from __future__ import annotations

import struct
from binascii import crc32
from collections.abc import Mapping
from typing import Any, BinaryIO

_LOCAL = struct.Struct("<4s5H3L2H")
_LISTED = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")


def stored_parts(file: BinaryIO, limits_bytes: Mapping[str, int]) -> dict[str, bytes] | None:
    """Read all parts, one after the other.

    Args:
        file: Stands at the archive's begin.
        limits_bytes: The names that parts may have, and the most that each may hold.

    Returns:
        The parts by name, whose checksums were compared. ``None`` if the archive is not exactly as
        expected.

    Raises:
        OSError: If the file cannot be read.
    """
    parts: dict[str, bytes] = {}
    listed: list[tuple[Any, ...]] = []
    at = 0
    while len(header := file.read(_LOCAL.size)) == _LOCAL.size and header[:4] == b"PK\x03\x04":
        _, version, flags, method, time, date, crc, stored, size, name_bytes, extra_bytes = (
            _LOCAL.unpack(header)
        )
        name = file.read(name_bytes).decode("ascii", "replace")
        if flags or method or extra_bytes or stored != size or name in parts:
            return None
        if size > limits_bytes.get(name, -1):
            return None
        content = file.read(size)
        if len(content) != size or crc32(content) != crc:
            return None
        parts[name] = content
        listed.append((version, flags, method, time, date, crc, stored, size, name, at))
        at += _LOCAL.size + name_bytes + size
    if not parts:
        return None
    room = sum(_LISTED.size + len(name) for name in parts) + _END.size
    directory = header + file.read(room - len(header) + 1)
    return parts if len(directory) == room and _lists(directory, listed, at) else None


def _lists(directory: bytes, listed: list[tuple[Any, ...]], directory_at: int) -> bool:
    """Whether the archive's directory says the same as the headers of the parts."""
    at = 0
    for *expected, name, part_at in listed:
        signature, _, *found = _LISTED.unpack_from(directory, at)
        *facts, name_bytes, extra_bytes, comment_bytes, disk, _, _, offset = found
        at += _LISTED.size
        if signature != b"PK\x01\x02" or facts != expected or offset != part_at:
            return False
        if extra_bytes or comment_bytes or disk or name_bytes != len(name):
            return False
        if directory[at : at + name_bytes] != name.encode():
            return False
        at += name_bytes
    count = len(listed)
    return directory[at:] == _END.pack(b"PK\x05\x06", 0, 0, count, count, at, directory_at, 0)
