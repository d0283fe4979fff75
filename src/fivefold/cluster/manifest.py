"""What a batch has done, beside its results, so that an interrupted one goes on.

::

    OUT/_fivefold/20260102T000000-3f9c-00000.jsonl, …-00001.jsonl

One JSON object a line: the outcome of a photo (see :class:`fivefold.cluster.outcome.RemoteOutcome`)
and the recipe that it was made by. Object stores cannot add to a file, so a batch writes another
part from time to time; only its driver writes any. The later of two lines about a photo counts.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import asdict
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from fivefold.cluster.outcome import RemoteOutcome
from fivefold.cluster.places import joined, list_files, read_file, write_file
from fivefold.cluster.plan import MANIFEST_FOLDER, RemoteTask
from fivefold.runtime.journal import Recipe

_FIRST_WAIT_S = 10.0
_PART_OF_RUN = 1 / 20


class Manifest:
    """The manifest of a folder of results.

    A batch of any length leaves few parts: each covers ten seconds or a twentieth of the time so
    far, and no more than that is done again after an interruption.

    Args:
        folder: Address of the folder of results.
        recipe: What the results of this batch depend on beside their photos.
    """

    def __init__(self, folder: str, recipe: Recipe) -> None:
        self._folder = joined(folder, MANIFEST_FOLDER)
        self._recipe = json.loads(json.dumps(asdict(recipe)))
        started = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        self._name = f"{started}-{secrets.token_hex(2)}"
        self._parts = 0
        self._lines: list[str] = []
        self._start_s = self._written_s = time.monotonic()

    def read(self) -> dict[str, dict[str, Any]]:
        """The last line about each photo, by its address; lines that are damaged tell nothing.

        Raises:
            PhotoReadError: If the store cannot be asked.
        """
        entries: dict[str, dict[str, Any]] = {}
        for file in list_files(self._folder):
            if not file.address.endswith(".jsonl"):
                continue
            for line in read_file(file.address).splitlines():
                try:
                    entry = json.loads(line)
                    entries[entry["source"]] = entry
                except (ValueError, TypeError, KeyError):
                    continue
        return entries

    def settled(
        self, task: RemoteTask, entry: dict[str, Any] | None, *, update: bool
    ) -> RemoteOutcome | None:
        """The outcome of a photo that need not be tried, or ``None`` for one that must.

        A result that is there stays, unless it is out of date and ``update`` is asked for. A photo
        that has killed every worker would do so again.

        Args:
            task: The photo.
            entry: What :meth:`read` gave for it.
            update: Make results anew that are out of date.
        """
        try:
            earlier = None if entry is None else _outcome_in(entry)
        except (ValueError, TypeError, KeyError):
            earlier = None
        stale = ""
        if earlier is not None and entry is not None:
            stale = self._why_stale(task, earlier, entry["recipe"])
            if earlier.is_poisoned and not stale:
                return earlier
        if not task.has_result or (update and stale):
            return None
        return RemoteOutcome(task.source, task.target, task.version, skipped=True, stale=stale)

    def _why_stale(self, task: RemoteTask, earlier: RemoteOutcome, recipe: object) -> str:
        """Why making a result anew would give another; a result that others changed is theirs."""
        if earlier.target != task.target:
            return ""
        if earlier.version != task.version:
            return "the photo has changed since"
        if recipe != self._recipe:
            return "made with another model or other options"
        return ""

    def add(self, outcome: RemoteOutcome) -> None:
        """Note what became of a photo; it is stored with the next part.

        Raises:
            PhotoWriteError: If the part cannot be written.
        """
        entry = {**json.loads(outcome.to_json()), "recipe": self._recipe}
        self._lines.append(json.dumps(entry))
        now_s = time.monotonic()
        wait_s = max(_FIRST_WAIT_S, (now_s - self._start_s) * _PART_OF_RUN)
        if now_s - self._written_s >= wait_s:
            self.flush()

    def flush(self) -> None:
        """Write what was added since the last part.

        Raises:
            PhotoWriteError: If it cannot be written.
        """
        if self._lines:
            address = joined(self._folder, f"{self._name}-{self._parts:05d}.jsonl")
            write_file(address, "".join(f"{line}\n" for line in self._lines).encode(), is_new=True)
            self._parts += 1
            self._lines = []
        self._written_s = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.flush()


def _outcome_in(entry: dict[str, Any]) -> RemoteOutcome:
    values = {key: value for key, value in entry.items() if key != "recipe"}
    return RemoteOutcome.of_json(json.dumps(values))
