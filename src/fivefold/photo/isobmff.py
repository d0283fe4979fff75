"""The boxes that AVIF, HEIF and CR3 files are made of, as far as metadata needs them.

Source: ISO/IEC 14496-12 (boxes, meta box) and 23008-12 (image items and their properties).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from fivefold.photo.limits import MAX_PARTS

_MAX_ITEMS = 10_000
_MAX_EXTENTS = 100_000
_FULL_BOX_BYTES = 4


class BoxError(ValueError):
    """A box is cut off, or holds what no file of this kind holds."""


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its type and content, which starts at ``at`` in the file."""

    kind: bytes
    content: bytes
    at: int


def boxes(data: bytes, start: int = 0) -> Iterator[Box]:
    """The boxes that ``data`` is a sequence of; ``start`` is its own place in the file.

    Raises:
        BoxError: If the last one is cut off.
    """
    at, count = 0, 0
    while at + 8 <= len(data):
        count += 1
        if count > MAX_PARTS:
            raise BoxError(f"more than {MAX_PARTS} boxes")
        length, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if length == 1:
            if at + 16 > len(data):
                raise BoxError("truncated")
            (length,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        elif length == 0:
            length = len(data) - at
        if length < head or at + length > len(data):
            raise BoxError("truncated")
        yield Box(kind, data[at + head : at + length], start + at + head)
        at += length


def box(kind: bytes, content: bytes) -> bytes:
    """The bytes of a box."""
    return struct.pack(">I4s", 8 + len(content), kind) + content


@dataclass(slots=True)
class Item:
    """One item of a meta box.

    Attributes:
        kind: ``av01``, ``hvc1``, ``Exif``, ``mime``, …
        content_type: Of a ``mime`` item.
        extents: Offset and length of its pieces in the file.
        properties: Type and content of what describes it, in the order in which they apply.
    """

    kind: bytes = b""
    content_type: bytes = b""
    extents: list[tuple[int, int]] = field(default_factory=list)
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)

    def property_of(self, kind: bytes) -> bytes | None:
        """The content of the first property of a type."""
        return next((content for found, content in self.properties if found == kind), None)


@dataclass(slots=True)
class Collection:
    """The items of a still picture's file.

    Attributes:
        brands: What the file claims to be.
        primary: The id of the picture.
        items: By id.
        references: Type, from-id and to-ids.
    """

    brands: tuple[bytes, ...] = ()
    primary: int = 0
    items: dict[int, Item] = field(default_factory=dict)
    references: list[tuple[bytes, int, tuple[int, ...]]] = field(default_factory=list)

    @property
    def picture(self) -> Item:
        """The primary item."""
        return self.items[self.primary]

    def describing(self) -> Iterator[Item]:
        """The items that describe the picture (EXIF, XMP)."""
        about = {
            source
            for kind, source, targets in self.references
            if kind == b"cdsc" and self.primary in targets
        }
        for number, item in self.items.items():
            if number in about:
                yield item


def parse(data: bytes, *, is_whole: bool = True) -> Collection:
    """Read the items of an AVIF or HEIF file.

    Args:
        data: The file.
        is_whole: That it is cut off after what describes the items is damage.

    Raises:
        BoxError: If it is truncated, or has no picture.
    """
    collection = Collection()
    meta = None
    for found in boxes(data):
        if found.kind == b"ftyp":
            text = found.content
            collection.brands = (text[:4], *(text[i : i + 4] for i in range(8, len(text), 4)))
        elif found.kind == b"meta" and meta is None:
            meta = found
            if not is_whole:
                break
    if meta is None:
        raise BoxError("it holds no picture")
    parts = {b.kind: b for b in boxes(meta.content[_FULL_BOX_BYTES:], meta.at + _FULL_BOX_BYTES)}
    try:
        _read_parts(collection, parts)
    except (struct.error, IndexError) as error:
        raise BoxError("damaged meta box") from error
    if collection.primary not in collection.items:
        raise BoxError("it holds no picture")
    for item in collection.items.values() if is_whole else ():
        if any(at + length > len(data) for at, length in item.extents):
            raise BoxError("truncated")
    return collection


def _read_parts(collection: Collection, parts: dict[bytes, Box]) -> None:
    if b"pitm" in parts:
        content = parts[b"pitm"].content
        (collection.primary,) = struct.unpack_from(">I" if content[0] else ">H", content, 4)
    if b"iinf" in parts:
        content = parts[b"iinf"].content
        skip = 6 if content[0] == 0 else 8
        for entry in boxes(content[skip:]):
            if entry.kind == b"infe" and entry.content[0] >= 2:
                number, item = _item_info(entry.content)
                collection.items[number] = item
    if b"iloc" in parts:
        idat_at = parts[b"idat"].at if b"idat" in parts else 0
        for number, extents in _locations(parts[b"iloc"].content, idat_at):
            if number in collection.items:
                collection.items[number].extents = extents
    if b"iref" in parts:
        content = parts[b"iref"].content
        code = "I" if content[0] else "H"
        for reference in boxes(content[_FULL_BOX_BYTES:]):
            source, count = struct.unpack_from(f">{code}H", reference.content)
            start = struct.calcsize(f">{code}H")
            targets = struct.unpack_from(f">{count}{code}", reference.content, start)
            collection.references.append((reference.kind, source, targets))
    if b"iprp" in parts:
        _assign_properties(collection, parts[b"iprp"])


def _item_info(content: bytes) -> tuple[int, Item]:
    wide = content[0] >= 3
    (number,) = struct.unpack_from(">I" if wide else ">H", content, 4)
    at = (8 if wide else 6) + 2
    kind = content[at : at + 4]
    _, _, rest = content[at + 4 :].partition(b"\0")
    return number, Item(kind, rest.partition(b"\0")[0] if kind == b"mime" else b"")


def _locations(content: bytes, idat_at: int) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Item ids and the pieces of each (ISO/IEC 14496-12, 8.11.3)."""
    version, sizes, more_sizes = content[0], content[4], content[5]
    offset_size, length_size, base_size = sizes >> 4, sizes & 15, more_sizes >> 4
    index_size = more_sizes & 15 if version in (1, 2) else 0
    at = 6

    def number(size: int) -> int:
        nonlocal at
        if at + size > len(content):
            raise BoxError("truncated")
        value = int.from_bytes(content[at : at + size], "big")
        at += size
        return value

    count = number(4 if version == 2 else 2)
    if count > _MAX_ITEMS:
        raise BoxError(f"{count} items")
    extents_left = _MAX_EXTENTS
    for _ in range(count):
        item = number(4 if version == 2 else 2)
        construction = number(2) & 15 if version in (1, 2) else 0
        number(2)  # data reference
        base = number(base_size) + (idat_at if construction == 1 else 0)
        extents = []
        extent_count = number(2)
        extents_left -= extent_count
        if extents_left < 0:
            raise BoxError(f"more than {_MAX_EXTENTS} extents")
        for _ in range(extent_count):
            number(index_size)
            offset = number(offset_size)
            extents.append((base + offset, number(length_size)))
        yield item, extents


def _assign_properties(collection: Collection, iprp: Box) -> None:
    known: list[tuple[bytes, bytes]] = []
    for part in boxes(iprp.content):
        if part.kind == b"ipco":
            known = [(b.kind, b.content) for b in boxes(part.content)]
        elif part.kind == b"ipma":
            for number, indices in _associations(part.content):
                if number in collection.items:
                    found = [known[i - 1] for i in indices if 1 <= i <= len(known)]
                    collection.items[number].properties += found


def _associations(content: bytes) -> Iterator[tuple[int, list[int]]]:
    wide_ids, wide_indices = content[0] >= 1, bool(content[3] & 1)
    (count,) = struct.unpack_from(">I", content, 4)
    at = 8
    for _ in range(min(count, _MAX_ITEMS)):
        (number,) = struct.unpack_from(">I" if wide_ids else ">H", content, at)
        at += 4 if wide_ids else 2
        length = content[at]
        at += 1
        code, mask = ("H", 0x7FFF) if wide_indices else ("B", 0x7F)
        indices = struct.unpack_from(f">{length}{code}", content, at)
        at += length * struct.calcsize(code)
        yield number, [i & mask for i in indices]


def item_data(data: bytes, item: Item) -> bytes:
    """The content of an item, its pieces joined; empty if they are more than the whole file."""
    if sum(length for _, length in item.extents) > len(data):
        return b""
    return b"".join(data[at : at + length] for at, length in item.extents)
