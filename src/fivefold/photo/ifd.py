"""Image file directories: the tree of tagged fields that TIFF files and EXIF blocks are made of.

Source: TIFF 6.0 section 2, EXIF 2.32 section 4.6, the BigTIFF design of Adobe's TIFF Tech Note.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

EXIF_POINTER = 34665
GPS_POINTER = 34853
INTEROPERABILITY_POINTER = 40965
POINTERS = (EXIF_POINTER, GPS_POINTER, INTEROPERABILITY_POINTER)

ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 2, 3, 4, 5, 7
LONG8 = 16
# Size in bytes of one value of each TIFF type.
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
CLASSIC_KINDS = frozenset(_SIZES)
_BIG_SIZES = {**_SIZES, 16: 8, 17: 8, 18: 8}
_INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q"}

_MAX_FIELDS = 4096  # of one directory; real ones have fewer than 200
_MAX_DIRECTORIES = 64


class IfdError(ValueError):
    """The block does not start with a TIFF header, or its first directory lies outside of it."""


class Field(NamedTuple):
    """The value of one tag.

    Attributes:
        kind: TIFF type code (2 text, 3 unsigned 16 bits, …).
        data: The values as bytes, in the byte order of the tree.
        at: Where ``data`` starts in the block it was parsed from; -1 for a new field.
    """

    kind: int
    data: bytes
    at: int = -1

    @property
    def value_count(self) -> int:
        """Number of values."""
        return len(self.data) // _BIG_SIZES[self.kind]

    def integers(self, byte_order: str) -> tuple[int, ...]:
        """The values of an unsigned integer field; empty for any other type."""
        code = _INTEGERS.get(self.kind)
        return struct.unpack(f"{byte_order}{self.value_count}{code}", self.data) if code else ()


@dataclass(slots=True)
class Directory:
    """One directory.

    Attributes:
        fields: Value by tag; pointers to the children below are not among them.
        children: The EXIF, GPS and interoperability directories by their pointer's tag.
        at: Where the directory starts in the parsed block.
        end_at: Where the offset of the next directory stands in the parsed block.
        next_at: The offset of the next directory; 0 where there is none.
        is_cut: Some of its fields lie outside of the block.
    """

    fields: dict[int, Field] = field(default_factory=dict)
    children: dict[int, Directory] = field(default_factory=dict)
    at: int = -1
    end_at: int = -1
    next_at: int = 0
    is_cut: bool = False

    def walk(self) -> Iterator[Directory]:
        """This directory and all below it."""
        yield self
        for child in self.children.values():
            yield from child.walk()


@dataclass(slots=True)
class _Visit:
    """What one walk through a tree may still take, and where it was."""

    room: int
    seen: set[int] = field(default_factory=set)


class Layout(NamedTuple):
    """How a block writes numbers: byte order (``<`` or ``>``) and classic or BigTIFF widths."""

    byte_order: str = "<"
    is_big: bool = False

    @property
    def header_bytes(self) -> int:
        """Length of the header before the first directory may start."""
        return 16 if self.is_big else 8

    @property
    def _entry(self) -> struct.Struct:
        return struct.Struct(self.byte_order + ("HHQ8s" if self.is_big else "HHI4s"))

    @property
    def _offset(self) -> struct.Struct:
        return struct.Struct(self.byte_order + ("Q" if self.is_big else "I"))

    @property
    def _field_count(self) -> struct.Struct:
        return struct.Struct(self.byte_order + ("Q" if self.is_big else "H"))

    def header(self, first_directory_at: int) -> bytes:
        """The header of a file whose first directory starts at that offset."""
        mark = b"II" if self.byte_order == "<" else b"MM"
        if self.is_big:
            return mark + struct.pack(self.byte_order + "HHHQ", 43, 8, 0, first_directory_at)
        return mark + struct.pack(self.byte_order + "HI", 42, first_directory_at)

    def parse(self, block: bytes, at: int, *, _visit: _Visit | None = None) -> Directory:
        """Read the directory at an offset and its children.

        Fields that point outside of the block are left out, as are directories that were already
        seen: a damaged tree gives the part of it that is sound. So are fields that together are
        longer than the block, whose places would overlap.

        Raises:
            IfdError: If the directory itself lies outside of the block.
        """
        visit = _visit or _Visit(len(block))
        visit.seen.add(at)
        sizes = _BIG_SIZES if self.is_big else _SIZES
        count, entry, offset = self._field_count, self._entry, self._offset
        if at + count.size > len(block):
            raise IfdError(f"directory at {at} lies outside of {len(block)} bytes")
        (fields,) = count.unpack_from(block, at)
        first = at + count.size
        directory = Directory(at=at)
        for i in range(min(fields, _MAX_FIELDS)):
            entry_at = first + i * entry.size
            if entry_at + entry.size > len(block):
                directory.is_cut = True
                break
            tag, kind, values, inline = entry.unpack_from(block, entry_at)
            length = sizes.get(kind, 0) * values
            value_at = entry_at + entry.size - offset.size
            if length > offset.size:
                (value_at,) = offset.unpack(inline)
            if value_at + length > len(block) or length > visit.room:
                directory.is_cut = True
                continue
            visit.room -= length
            if not length:
                continue
            directory.fields[tag] = Field(kind, block[value_at : value_at + length], value_at)
        end_at = first + fields * entry.size
        if end_at + offset.size <= len(block):
            directory.end_at = end_at
            (directory.next_at,) = offset.unpack_from(block, end_at)
        for tag in POINTERS:
            pointer = directory.fields.pop(tag, None)
            child_at = pointer.integers(self.byte_order) if pointer else ()
            if child_at and child_at[0] not in visit.seen and len(visit.seen) < _MAX_DIRECTORIES:
                try:
                    directory.children[tag] = self.parse(block, child_at[0], _visit=visit)
                except IfdError:
                    continue
        return directory

    def serialise(self, directory: Directory, at: int) -> bytes:
        """Write a directory and its children, to stand at an offset of the file.

        The first directory is followed by no other (its next offset is 0).
        """
        tags = sorted([*directory.fields, *directory.children])
        count, entry, offset = self._field_count, self._entry, self._offset
        entries, bodies = bytearray(count.pack(len(tags))), bytearray()
        body_at = at + count.size + len(tags) * entry.size + offset.size
        for tag in tags:
            if len(bodies) % 2:
                bodies += b"\0"
            here = body_at + len(bodies)
            if tag in directory.children:
                kind = LONG8 if self.is_big else LONG
                entries += entry.pack(tag, kind, 1, offset.pack(here))
                bodies += self.serialise(directory.children[tag], here)
                continue
            value = directory.fields[tag]
            if len(value.data) <= offset.size:
                inline = value.data.ljust(offset.size, b"\0")
            else:
                inline = offset.pack(here)
                bodies += value.data
            entries += entry.pack(tag, value.kind, value.value_count, inline)
        return bytes(entries + offset.pack(0) + bodies)

    def append(self, block: bytes, directory: Directory, tag: int, value: Field) -> bytes:
        """The block with ``directory``, its first, written at its end with one field set."""
        count, entry, offset = self._field_count, self._entry, self._offset
        first = directory.at + count.size
        entries = {
            entry.unpack_from(block, at)[0]: block[at : at + entry.size]
            for at in range(first, directory.end_at, entry.size)
        }
        here = len(block) + len(block) % 2
        body_at = here + count.size + len(entries | {tag: b""}) * entry.size + offset.size
        is_inline = len(value.data) <= offset.size
        inline = value.data.ljust(offset.size, b"\0") if is_inline else offset.pack(body_at)
        entries[tag] = entry.pack(tag, value.kind, value.value_count, inline)
        written = count.pack(len(entries)) + b"".join(entries[t] for t in sorted(entries))
        written += offset.pack(directory.next_at) + (b"" if is_inline else value.data)
        header = self.header(here)
        return header + block[len(header) : len(block)] + bytes(len(block) % 2) + written


def parse(block: bytes) -> tuple[Layout, Directory]:
    """Read the header and first directory of a TIFF file or EXIF block.

    Raises:
        IfdError: If the block does not start with a TIFF header, or it is cut off.
    """
    byte_order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if byte_order is None or len(block) < 8:
        raise IfdError("no TIFF header")
    magic, at = struct.unpack_from(byte_order + "HI", block, 2)
    is_big = magic == 43
    if is_big:
        if len(block) < 16:
            raise IfdError("no BigTIFF header")
        (at,) = struct.unpack_from(byte_order + "Q", block, 8)
    elif magic not in (42, 0x4F52, 0x5352, 0x55):  # TIFF, and Olympus' and Panasonic's own marks
        raise IfdError(f"no TIFF header (mark {magic})")
    layout = Layout(byte_order, is_big)
    return layout, layout.parse(block, at)


def serialise(layout: Layout, directory: Directory) -> bytes:
    """Write a block that holds nothing but this tree."""
    at = layout.header_bytes
    return layout.header(at) + layout.serialise(directory, at)


def with_field(block: bytes, tag: int, value: Field) -> bytes:
    """The block with one field of its first directory set, and nothing else moved.

    The directory is written anew at the end of the block and the header pointed there, so that
    absolute offsets (makers' notes have them) stay true. A block that is no IFD tree is replaced.
    """
    try:
        layout, directory = parse(block)
    except IfdError:
        return serialise(Layout(), Directory({tag: value}))
    return layout.append(block, directory, tag, value)
