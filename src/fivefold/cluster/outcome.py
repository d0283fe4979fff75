"""What became of a photo, in a form that travels between machines and stays in manifests."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Self

from fivefold.cluster.plan import RemoteTask
from fivefold.errors import FivefoldError
from fivefold.photo.files import one_line


@dataclass(frozen=True, slots=True)
class RemoteOutcome:
    """What became of one photo.

    Attributes:
        source: Address of the photo.
        target: Where its result was to go.
        version: Of the photo that was planned.
        seconds: From opening it until its result was in place.
        message: Why there is no result, as ``ADDRESS: reason``; empty if there is one.
        skipped: The target was there already, and was left alone.
        stale: Why a result that was left alone is not what it would be if it was made anew.
        notes: What reading the photo changed or left out, in words for a person.
        size_bytes: Of the result; 0 without one.
        is_poisoned: Every worker that tried it died of it.
    """

    source: str
    target: str
    version: str = ""
    seconds: float = 0.0
    message: str = ""
    skipped: bool = False
    stale: str = ""
    notes: tuple[str, ...] = ()
    size_bytes: int = 0
    is_poisoned: bool = False

    @property
    def ok(self) -> bool:
        """Whether the target is in place."""
        return not self.message

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def of_json(cls, line: str) -> Self:
        """The inverse of :meth:`to_json`.

        Raises:
            ValueError: If the line is no JSON.
            TypeError: If it is of something else.
        """
        values: dict[str, Any] = json.loads(line)
        return cls(**{**values, "notes": tuple(values["notes"])})


def failure(task: RemoteTask, error: Exception, seconds: float) -> RemoteOutcome:
    """The outcome of a photo that an exception stood in the way of."""
    reason = str(error)
    if isinstance(error, MemoryError):
        reason = "not enough memory"
    elif not isinstance(error, FivefoldError | ValueError):
        reason = f"{type(error).__name__}: {reason}"
    reason = one_line(reason)
    shown = one_line(task.source)
    if not reason.startswith((shown, one_line(task.target))):
        reason = f"{shown}: {reason}"
    return RemoteOutcome(task.source, task.target, task.version, seconds, reason)


def poisoned(task: RemoteTask, attempts: int) -> RemoteOutcome:
    """The outcome of a photo that no worker survives."""
    message = f"{one_line(task.source)}: {attempts} workers died of it; it is not tried again"
    return RemoteOutcome(task.source, task.target, task.version, message=message, is_poisoned=True)
