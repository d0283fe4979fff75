"""What a request may say in its address, checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from starlette.datastructures import QueryParams

from fivefold.photo import formats
from fivefold.runtime.enhancer import STRENGTH_LIMIT
from fivefold.web.experts import Experts
from fivefold.web.problems import ProblemError

if TYPE_CHECKING:
    from fivefold.runtime.enhancer import Enhancer

MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "TIFF": "image/tiff",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
    "HEIF": "image/heic",
    "JXL": "image/jxl",
    "PPM": "image/x-portable-anymap",
}
"""The formats of results, by the name that a photo has for its own."""

FORMATS = tuple(name.lower() for name in MEDIA_TYPES)
BIT_DEPTHS = (8, 16)
NOTES = ("true", "false")
LARGEST_SIDE_PX = 16384

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Look:
    """Whose version of a photo is asked for, and how it is to be written.

    Attributes:
        enhancer: Gives the version: an expert's, or a blend.
        strength: 0 is the untouched photo, 1 the model.
        format: ``None`` keeps the photo's own.
        quality: 1…100, ``None`` for the format's default.
        bit_depth: ``None`` keeps the photo's own.
        note: Whether the result says in XMP what was done.
    """

    enhancer: Enhancer
    strength: float
    format: str | None
    quality: int | None
    bit_depth: int | None
    note: bool


def parse_look(query: QueryParams, experts: Experts) -> Look:
    """The parameters of ``POST /enhance``.

    Raises:
        ProblemError: 400, with the parameter's name and what it may be.
    """
    check_names(query, ("expert", "strength", "format", "quality", "bit_depth", "note"))
    strength = _number(query, "strength", float, -STRENGTH_LIMIT, STRENGTH_LIMIT)
    file_format = _choice(query, "format", FORMATS)
    bit_depth = _bit_depth(query)
    if file_format is not None:
        check_bit_depth(file_format, bit_depth)
    return Look(
        enhancer=parse_expert(query, experts),
        strength=1.0 if strength is None else strength,
        format=file_format,
        quality=_number(query, "quality", int, 1, 100),
        bit_depth=bit_depth,
        note=_choice(query, "note", NOTES) != "false",
    )


def parse_expert(query: QueryParams, experts: Experts) -> Enhancer:
    """Whose grid is asked for, an expert's or a blend's; by default the first expert's.

    Raises:
        ProblemError: 400.
    """
    try:
        return experts.find(query.get("expert"))
    except ValueError as error:
        raise _bad(f"expert: {error}.") from error


def check_bit_depth(file_format: str, bit_depth: int | None) -> None:
    """Refuse a depth that the result's format does not hold, be it stated or the photo's own.

    Args:
        file_format: One of :data:`FORMATS`.
        bit_depth: ``None`` for the photo's own, which is reduced to what the format holds.

    Raises:
        ProblemError: 400.
    """
    most = formats.FORMATS[file_format.upper()].bit_depths[-1]
    if bit_depth is not None and bit_depth > most:
        raise _bad(f"bit_depth {bit_depth}: {file_format} holds {most} bits.")


def parse_max_side(query: QueryParams) -> int:
    """How long the long side of a preview may be.

    Raises:
        ProblemError: 400.
    """
    check_names(query, ("max_side_px",))
    return _number(query, "max_side_px", int, 1, LARGEST_SIDE_PX) or LARGEST_SIDE_PX


def check_names(query: QueryParams, known: tuple[str, ...]) -> None:
    """Refuse parameters that do not exist, or come twice: they are misspelt or misunderstood.

    Raises:
        ProblemError: 400.
    """
    for name in query:
        if name not in known:
            raise _bad(f"There is no parameter {name!r}; there are {', '.join(known) or 'none'}.")
        if len(query.getlist(name)) > 1:
            raise _bad(f"{name} is given more than once.")


def _choice(query: QueryParams, name: str, choices: tuple[str, ...]) -> str | None:
    value = query.get(name)
    if value is not None and value not in choices:
        raise _bad(f"{name} must be one of {', '.join(choices)}.")
    return value


def _number(
    query: QueryParams, name: str, kind: Callable[[str], Value], least: float, most: float
) -> Value | None:
    text = query.get(name)
    if text is None:
        return None
    expected = _bad(f"{name} must be a number from {least:g} to {most:g}.")
    # Python's own idea of numbers is wider than the documented one: 1_0, Arabic digits, spaces.
    if not text.isascii() or not set(text) <= set("0123456789+-.eE"):
        raise expected
    try:
        value = kind(text)
    except ValueError:
        raise expected from None
    if not least <= value <= most:  # type: ignore[operator]
        raise expected
    return value


def _bit_depth(query: QueryParams) -> int | None:
    text = _choice(query, "bit_depth", tuple(map(str, BIT_DEPTHS)))
    return None if text is None else int(text)


def _bad(detail: str) -> ProblemError:
    return ProblemError(HTTPStatus.BAD_REQUEST, detail)
