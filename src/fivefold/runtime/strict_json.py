"""JSON as the standard has it, for files that come from strangers: UTF-8, no NaN, no infinity."""

from __future__ import annotations

import json
from typing import Any


def dump(value: object) -> bytes:
    """Indented JSON, the same bytes for the same value.

    Raises:
        TypeError: If something in it is no JSON value.
        ValueError: If a number is not finite.
    """
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def parse(content: bytes) -> Any:
    """The value that ``content`` stands for.

    Raises:
        ValueError: If it is anything but standard JSON, also if it nests too deeply.
    """
    try:
        return json.loads(content.decode(), parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number")
