"""``.cube``: a 3-D look-up table as text, by Adobe's Cube LUT Specification 1.0."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fivefold.errors import PhotoWriteError
from fivefold.photo.atomic import write_atomically

SUFFIX = ".cube"

_LONGEST_LINE = 249  # 250 bytes with its end
_SIZES = range(2, 257)


def cube_text(table: NDArray[np.float32], *, title: str, comments: Sequence[str] = ()) -> str:
    """A table as the text of a ``.cube`` file.

    Args:
        table: ``(n, n, n, 3)`` with n from 2 to 256, indexed by red, green and blue of the input.
        title: What programs show; characters that the format does not allow become ``_``.
        comments: One line each, for people who open the file.

    Returns:
        ASCII, six decimals, red running fastest.

    Raises:
        ValueError: For another shape, or values that are not finite.
    """
    size = len(table)
    if size not in _SIZES or table.shape != (size, size, size, 3):
        raise ValueError(f"table must be (n, n, n, 3), n from 2 to 256, received {table.shape}")
    if not np.isfinite(table).all():
        raise ValueError("table must be finite")
    lines = [
        f'TITLE "{_plain(title, _LONGEST_LINE - 8)}"',
        *(f"# {_plain(comment, _LONGEST_LINE - 2)}" for comment in comments),
        f"LUT_3D_SIZE {size}",
        "DOMAIN_MIN 0.0 0.0 0.0",
        "DOMAIN_MAX 1.0 1.0 1.0",
    ]
    red_fastest = table.transpose(2, 1, 0, 3).reshape(-1, 3).tolist()
    lines += [f"{r:.6f} {g:.6f} {b:.6f}" for r, g, b in red_fastest]
    return "\n".join(lines) + "\n"


def write_cube(
    path: Path, table: NDArray[np.float32], *, title: str, comments: Sequence[str] = ()
) -> int:
    """Write a table as a ``.cube`` file; it appears whole or not at all.

    Returns:
        Its size in bytes.

    Raises:
        PhotoWriteError: If it cannot be written.
        ValueError: As :func:`cube_text`.
    """
    content = cube_text(table, title=title, comments=comments).encode("ascii")
    try:
        write_atomically(path, [content])
    except OSError as error:
        raise PhotoWriteError(f"{path}: {error.strerror or error}") from error
    return len(content)


def _plain(text: str, longest: int) -> str:
    """Printable ASCII without quotation marks, no longer than a line may be."""
    allowed = [c if " " <= c <= "~" and c != '"' else "_" for c in text]
    return "".join(allowed[:longest])
