"""The headers of the JPEGs that can be decoded in pieces: those that most cameras write.

That is one scan of Huffman-coded 8-bit samples, grey or three components, in the usual chroma
samplings, and nothing in the headers that decoders see differently.

Source: ITU-T T.81 annexes A.2 (minimum coded units) and B.2 (segments).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from fivefold.photo.jpeg_segments import segments

_BASELINE, _EXTENDED = 0xC0, 0xC1
_HUFFMAN, _QUANTISATION, _RESTART_INTERVAL, _START_OF_SCAN = 0xC4, 0xDB, 0xDD, 0xDA
_JFIF, _ADOBE, _COMMENT = 0xE0, 0xEE, 0xFE
_METADATA = {*range(0xE0, 0xF0), _COMMENT}
_NEEDED = {_HUFFMAN, _QUANTISATION, _JFIF, _ADOBE}
_BLOCK_PX = 8
# How many blocks of luma there are, across and down, for one of each chroma.
_LUMA_BLOCKS = {(1, 1), (2, 1), (2, 2), (1, 2), (4, 1)}
_WHOLE_SPECTRUM = b"\0\x3f\0"  # of a scan's last three bytes: sequential, in full precision


@dataclass(slots=True)
class Baseline:
    """What it takes to decode some rows of such a file.

    Attributes:
        height_px: Height as stored.
        unit_height_px: Of a minimum coded unit (MCU).
        unit_rows: Number of rows of MCUs.
        units_across: Number of MCUs in a row.
        blocks: Component of each block of an MCU, 0…2, a byte each.
        dc_tables: Huffman table of each component, as its segment states it.
        ac_tables: The same for the other coefficients.
        restart_interval: In MCUs; 0 for none.
        scan_header: The segment that opens the scan.
        scan_at: Where its data begin.
    """

    height_px: int
    unit_height_px: int
    unit_rows: int
    units_across: int
    blocks: bytes
    dc_tables: list[bytes]
    ac_tables: list[bytes]
    restart_interval: int
    scan_header: bytes
    scan_at: int
    _before_height: bytes
    _after_height: bytes

    @property
    def has_tall_chroma(self) -> bool:
        """Whether a sample of chroma stands for two rows of pixels, between which it is blended."""
        return len(self.blocks) > 1 and self.unit_height_px > _BLOCK_PX

    def header(self, height_px: int) -> bytes:
        """The segments before the scan's, of a picture of another height and without restarts."""
        return self._before_height + struct.pack(">H", height_px) + self._after_height


@dataclass(slots=True)
class _Tables:
    by_place: dict[int, bytes] = field(default_factory=dict)

    def add(self, payload: bytes) -> None:
        at = 0
        while at + 17 <= len(payload):
            end = at + 17 + sum(payload[at + 1 : at + 17])
            self.by_place[payload[at]] = payload[at + 1 : end]
            at = end


def read_baseline(data: bytes) -> Baseline | None:
    """What the headers of a file say; ``None`` if it is none of the usual ones.

    Raises:
        PhotoReadError: If it ends in them.
    """
    tables, restart_interval = _Tables(), 0
    before, after = [data[:2]], [b""]
    frame = b""
    for marker, start, end in segments(data):
        payload, whole = data[start:end], data[start - 4 : end]
        if marker in (_BASELINE, _EXTENDED) and not frame:
            frame = payload
            before.append(whole[:5])
            after.append(whole[7:])
        elif marker == _HUFFMAN:
            tables.add(payload)
        elif marker == _RESTART_INTERVAL and len(payload) == 2:
            (restart_interval,) = struct.unpack(">H", payload)
        elif marker == _START_OF_SCAN:
            head = b"".join(before), b"".join(after)
            return _baseline(frame, tables, restart_interval, whole, end, head)
        elif marker != _QUANTISATION and marker not in _METADATA:
            return None
        if marker in _NEEDED:
            (after if frame else before).append(whole)
    return None


def _baseline(
    frame: bytes,
    tables: _Tables,
    restart_interval: int,
    scan_header: bytes,
    scan_at: int,
    head: tuple[bytes, bytes],
) -> Baseline | None:
    count = frame[5] if len(frame) > 5 else 0
    scan = scan_header[4:]
    if count not in (1, 3) or len(frame) != 6 + 3 * count or len(scan) != 4 + 2 * count:
        return None
    precision, height_px, width_px = struct.unpack_from(">BHH", frame)
    identifiers, sampling = frame[6::3], [(b >> 4, b & 15) for b in frame[7::3]]
    if precision != 8 or not height_px or not width_px or sampling[0] not in _LUMA_BLOCKS:
        return None
    if any(factors != (1, 1) for factors in (sampling if count == 1 else sampling[1:])):
        return None
    if scan[0] != count or scan[1:-3:2] != identifiers or scan[-3:] != _WHOLE_SPECTRUM:
        return None
    try:
        dc_tables = [tables.by_place[byte >> 4] for byte in scan[2:-3:2]]
        ac_tables = [tables.by_place[16 + (byte & 15)] for byte in scan[2:-3:2]]
    except KeyError:
        return None
    across, down = sampling[0]
    return Baseline(
        height_px=height_px,
        unit_height_px=_BLOCK_PX * down,
        unit_rows=-(-height_px // (_BLOCK_PX * down)),
        units_across=-(-width_px // (_BLOCK_PX * across)),
        blocks=bytes([0] * (across * down)) + bytes(range(1, count)),
        dc_tables=dc_tables,
        ac_tables=ac_tables,
        restart_interval=restart_interval,
        scan_header=scan_header,
        scan_at=scan_at,
        _before_height=head[0],
        _after_height=head[1],
    )
