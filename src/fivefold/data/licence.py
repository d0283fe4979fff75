"""The licences of FiveK: shown before the first photo is fetched, and agreed to once a folder."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fivefold.data.fivek import FivekHost
from fivefold.errors import DataError

ACCEPTED = "licence-accepted.json"


@dataclass(frozen=True)
class Licence:
    """One licence text.

    Attributes:
        path: Where it lies, relative to the folder of the set.
        text: What it says.
    """

    path: str
    text: str

    @property
    def sha256(self) -> str:
        """Hash of the text; a licence that changes has to be accepted anew."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_licences(folder: Path, host: FivekHost | None = None) -> list[Licence]:
    """The licence texts that were fetched into ``folder``.

    Raises:
        DataError: If one is missing.
    """
    licences = []
    for path, _ in (host or FivekHost()).licences:
        try:
            text = (folder / path).read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise DataError(f"{folder / path}: {error.strerror}") from error
        licences.append(Licence(path, text))
    return licences


def not_accepted(folder: Path, licences: list[Licence]) -> list[Licence]:
    """Those of the licences that nobody has agreed to in this folder, in their present wording."""
    try:
        accepted = json.loads((folder / ACCEPTED).read_text(encoding="utf-8"))["sha256"]
    except FileNotFoundError:
        accepted = {}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DataError(f"{folder / ACCEPTED}: is damaged; delete it to be asked again") from error
    return [licence for licence in licences if accepted.get(licence.path) != licence.sha256]


def accept(folder: Path, licences: list[Licence]) -> None:
    """Record that the user agreed to these licences, in this wording, now.

    Raises:
        DataError: If the folder cannot be written.
    """
    record = {
        "accepted_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "sha256": {licence.path: licence.sha256 for licence in licences},
    }
    try:
        (folder / ACCEPTED).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{folder / ACCEPTED}: {error.strerror}") from error
