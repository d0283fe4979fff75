"""ICC colour profiles: what a profile says, and the few that have to be made.

Source: ICC.1:2022 (ISO 15076-1), sections 7 to 10. A profile whose colours are three curves and a
matrix is read here; one with tables is left to LittleCMS.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating[Any]]

MAX_PROFILE_BYTES = 16 << 20
_HEADER_BYTES = 128
_D50 = (0.9642, 1.0, 0.8249)
# The colorants of sRGB relative to D50, as IEC's and every other sRGB profile state them.
SRGB_COLORANTS = (
    (0.43607, 0.38515, 0.14307),
    (0.22249, 0.71687, 0.06061),
    (0.01392, 0.09708, 0.71410),
)
_SRGB_TOLERANCE = 2.5e-3
_EQUAL = 1e-12
_ROUNDING = 1e-5  # what the fixed-point numbers of a curve leave between its two pieces


class Curve(NamedTuple):
    """A tone curve of a profile, from coded values to linear light.

    Attributes:
        parameters: (g, a, b, c, d, e, f) of ICC's parametric curve type 4,
            y = (a·x + b)^g + e from d on and c·x + f below it; ``None`` for a table.
        table: Samples of the curve at equal steps over 0…1; empty for a formula.
    """

    parameters: tuple[float, ...] | None
    table: tuple[float, ...] = ()

    def to_linear(self, coded: Values) -> Values:
        """Linear light of coded values; negative ones are mirrored, those above 1 continued."""
        size = np.abs(coded)
        if self.parameters is None:
            return np.copysign(_interpolate(size, np.asarray(self.table)), coded)
        g, a, b, c, d, e, f = self.parameters
        knee = max(a * d + b, 0) ** g

        def power(x: Values) -> Values:
            raised: Values = np.power(np.maximum(a * x + b, 0), g)
            return raised

        linear: Values
        if d <= 0:
            linear = power(size) + e
        elif abs(knee + e - (c * d + f)) < _EQUAL:
            linear = _joined(size, d, (c, f), power, knee)
        else:
            linear = np.where(size >= d, power(size) + e, c * size + f)
        return np.copysign(linear, coded)

    def to_coded(self, linear: Values) -> Values:
        """The inverse of :meth:`to_linear`."""
        size = np.abs(linear)
        if self.parameters is None:
            table = np.maximum.accumulate(np.asarray(self.table))
            steps = np.linspace(0, 1, len(table))
            within = np.interp(size, table, steps)
            slope = (table[-1] - table[-2]) * (len(table) - 1)
            above = 1 + (size - table[-1]) / max(slope, 1e-3)
            return np.copysign(np.where(size > table[-1], above, within), linear)
        g, a, b, c, d, e, f = self.parameters
        knee = max(a * d + b, 0) ** g + e

        def root(y: Values) -> Values:
            lowered: Values = np.power(np.maximum(y - e, 0), 1 / g) / a
            return lowered

        coded: Values
        if d <= 0:
            coded = root(size) - b / a
        elif c and abs(knee - (c * d + f)) < _EQUAL:
            coded = _joined(size, knee, (1 / c, -f / c), root, d + b / a)
        else:
            straight = (size - f) / c if c else np.zeros_like(size)
            coded = np.where(size >= knee, root(size) - b / a, straight)
        return np.copysign(coded, linear)


def _joined(
    x: Values,
    knee: float,
    line: tuple[float, float],
    bend: Callable[[Values], Values],
    bend_at_knee: float,
) -> Values:
    """A line up to the knee and a bend from there on, of two pieces that meet.

    Adding both, each held at the knee on the other's side, takes a third of the time of choosing.
    """
    slope, offset = line
    bent = bend(np.maximum(x, knee))
    bent += slope * np.minimum(x, knee) + (offset - bend_at_knee)
    return bent


def _interpolate(values: Values, table: NDArray[np.float64]) -> Values:
    steps = len(table) - 1
    within = np.interp(values, np.linspace(0, 1, steps + 1), table)
    slope = (table[-1] - table[-2]) * steps
    return np.where(values > 1, table[-1] + (values - 1) * slope, within)


class MatrixProfile(NamedTuple):
    """An RGB profile made of three curves and a matrix.

    Attributes:
        curves: From coded to linear red, green and blue.
        matrix: ``(3, 3)``, linear RGB to XYZ relative to D50.
    """

    curves: tuple[Curve, Curve, Curve]
    matrix: NDArray[np.float64]


def colour_space(profile: bytes) -> str | None:
    """What a profile describes (``"RGB"``, ``"GRAY"``, ``"CMYK"``, …); ``None`` for no profile."""
    if len(profile) < _HEADER_BYTES + 4 or profile[36:40] != b"acsp":
        return None
    return profile[16:20].decode("ascii", "replace").strip()


def tags(profile: bytes) -> dict[str, memoryview]:
    """The elements of a profile by signature; those that lie outside of it are left out."""
    found, whole = {}, memoryview(profile)
    (count,) = struct.unpack_from(">I", profile, _HEADER_BYTES)
    for i in range(min(count, 256)):
        entry_at = _HEADER_BYTES + 4 + 12 * i
        if entry_at + 12 > len(profile):
            break
        name, at, length = struct.unpack_from(">4sII", profile, entry_at)
        if at + length <= len(profile):
            found[name.decode("latin-1")] = whole[at : at + length]
    return found


def matrix_profile(profile: bytes) -> MatrixProfile | None:
    """Read an RGB profile of curves and a matrix; ``None`` for every other kind."""
    if colour_space(profile) != "RGB" or profile[20:24] != b"XYZ ":
        return None
    found = tags(profile)
    if "A2B0" in found or any(f"{c}{t}" not in found for c in "rgb" for t in ("XYZ", "TRC")):
        return None
    try:
        columns = [_xyz(found[f"{c}XYZ"]) for c in "rgb"]
        red, green, blue = (curve(found[f"{c}TRC"]) for c in "rgb")
    except (struct.error, ValueError):
        return None
    matrix = np.array(columns).T
    if abs(np.linalg.det(matrix)) < 1e-6:
        return None
    return MatrixProfile((red, green, blue), matrix)


def is_srgb(profile: bytes | None) -> bool:
    """Whether colours coded by this profile are sRGB to within the rounding of 8 bits."""
    if profile is None:
        return True
    parsed = matrix_profile(profile)
    if parsed is None or np.abs(parsed.matrix - SRGB_COLORANTS).max() > _SRGB_TOLERANCE:
        return False
    coded = np.linspace(0, 1, 33)
    expected = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    return all(np.abs(c.to_linear(coded) - expected).max() < _SRGB_TOLERANCE for c in parsed.curves)


def curve(element: bytes | memoryview) -> Curve:
    """Read a ``curv`` or ``para`` element.

    Raises:
        ValueError: For another type, or a curve that cannot be inverted.
        struct.error: For a truncated element.
    """
    if element[:4] == b"curv":
        (count,) = struct.unpack_from(">I", element, 8)
        if count == 0:
            return Curve((1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0))
        if count == 1:
            (gamma,) = struct.unpack_from(">H", element, 12)
            return Curve((_positive(gamma / 256), 1.0, 0.0, 0.0, 0.0, 0.0, 0.0))
        table = np.frombuffer(element, ">u2", count, 12) / 65535
        if table[-1] <= table[0]:
            raise ValueError("a tone curve must rise")
        return Curve(None, tuple(table.tolist()))
    if element[:4] != b"para":
        raise ValueError(f"a tone curve must be curv or para, received {bytes(element[:4])!r}")
    (kind,) = struct.unpack_from(">H", element, 8)
    names = {0: "g", 1: "gab", 2: "gabc", 3: "gabcd", 4: "gabcdef"}.get(kind)
    if names is None:
        raise ValueError(f"a parametric curve must be of type 0 to 4, received {kind}")
    numbers = struct.unpack_from(f">{len(names)}i", element, 12)
    p = {
        "a": 1.0,
        **dict.fromkeys("bcdef", 0.0),
        **{n: v / 65536 for n, v in zip(names, numbers, strict=True)},
    }
    _positive(p["g"])
    _positive(p["a"])
    if kind in (1, 2):  # the curve is flat below -b/a; type 2 adds its c to both pieces
        offset = p["c"] if kind == 2 else 0.0
        p |= {"c": 0.0, "d": -p["b"] / p["a"], "e": offset, "f": offset}
    knee, end_of_line = max(p["a"] * p["d"] + p["b"], 0) ** p["g"], p["c"] * p["d"] + p["f"]
    if p["d"] > 0 and abs(knee + p["e"] - end_of_line) < _ROUNDING:
        p["e"] = end_of_line - knee
    return Curve(tuple(p[n] for n in "gabcdef"))


def rgb_from_grey(profile: bytes) -> bytes | None:
    """An RGB profile whose neutral colours are those of a one-channel profile.

    Returns:
        A profile with sRGB's primaries and the curve of ``profile``; ``None`` where that is not a
        curve to XYZ.
    """
    if colour_space(profile) != "GRAY" or profile[20:24] != b"XYZ ":
        return None
    element = tags(profile).get("kTRC")
    if element is None:
        return None
    try:
        curve(element)
    except (struct.error, ValueError):
        return None
    return build_rgb(SRGB_COLORANTS, bytes(element), "Greyscale as RGB")


def grey_from_rgb(profile: bytes) -> bytes | None:
    """A one-channel profile with the curve of an RGB profile's neutral colours.

    Returns:
        ``None`` where that is no profile of curves and a matrix.
    """
    if matrix_profile(profile) is None:
        return None
    return _build(b"GRAY", {b"kTRC": bytes(tags(profile)["gTRC"])}, "Greyscale")


def build_rgb(
    matrix: Sequence[Sequence[float]] | NDArray[np.float64], curve_element: bytes, name: str
) -> bytes:
    """Make an RGB profile (ICC version 4.3).

    Args:
        matrix: ``(3, 3)``, linear RGB to XYZ relative to D50.
        curve_element: The ``curv`` or ``para`` element of all three channels.
        name: Its description.
    """
    elements = {}
    for i, channel in enumerate(b"rgb"):
        elements[bytes([channel]) + b"XYZ"] = _xyz_element([row[i] for row in matrix])
        elements[bytes([channel]) + b"TRC"] = curve_element
    return _build(b"RGB ", elements, name)


def _build(space: bytes, described: dict[bytes, bytes], name: str) -> bytes:
    elements = {
        b"desc": _text_element(name),
        b"cprt": _text_element("No copyright, use freely"),
        b"wtpt": _xyz_element(_D50),
        **described,
    }
    at = _HEADER_BYTES + 4 + 12 * len(elements)
    table, body, places = b"", b"", dict[bytes, int]()
    for signature, element in elements.items():
        if element not in places:
            places[element] = at + len(body)
            body += element + bytes(-len(element) % 4)
        table += struct.pack(">4sII", signature, places[element], len(element))
    header = struct.pack(
        ">I4sI4s4s4s12s4s4s24s12s48s",
        at + len(body), b"\0\0\0\0", 0x04300000, b"mntr", space, b"XYZ ",
        struct.pack(">6H", 2025, 1, 1, 0, 0, 0), b"acsp", b"\0\0\0\0",
        bytes(24), struct.pack(">3i", *(round(v * 65536) for v in _D50)), bytes(48),
    )  # fmt: skip
    return header + struct.pack(">I", len(elements)) + table + body


def srgb() -> bytes:
    """A profile of sRGB (IEC 61966-2-1)."""
    curve_element = parametric_curve(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    return build_rgb(SRGB_COLORANTS, curve_element, "sRGB")


def parametric_curve(*numbers: float) -> bytes:
    """A ``para`` element: one number is a gamma, five are ICC's type 3 (g, a, b, c, d)."""
    kind = {1: 0, 5: 3}[len(numbers)]
    fixed = (round(v * 65536) for v in numbers)
    return b"para" + struct.pack(f">IHH{len(numbers)}i", 0, kind, 0, *fixed)


def _positive(value: float) -> float:
    if value <= 0:
        raise ValueError(f"gamma and slope of a tone curve must be positive, received {value}")
    return value


def _text_element(text: str) -> bytes:
    coded = text.encode("utf-16-be")
    return b"mluc" + struct.pack(">III4sII", 0, 1, 12, b"enUS", len(coded), 28) + coded


def _xyz(element: bytes | memoryview) -> tuple[float, float, float]:
    if element[:4] != b"XYZ ":
        raise ValueError(f"a colorant must be XYZ, received {bytes(element[:4])!r}")
    x, y, z = struct.unpack_from(">3i", element, 8)
    return x / 65536, y / 65536, z / 65536


def _xyz_element(values: Sequence[float]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(v * 65536) for v in values))
