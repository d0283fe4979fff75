"""Many files at once into one folder: parallel, resumable, and told apart by what became of each.

``fivefold-download.jsonl`` in the folder holds a line for each file that arrived whole. A later run
keeps those whose size still is the one recorded, without asking the server.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Literal

from fivefold.data.fivek import FivekHost, RemoteFile, read_index
from fivefold.data.journal import Journal, read_journal
from fivefold.data.licence import not_accepted, read_licences
from fivefold.data.pace import Pace, Patience, StoppedError
from fivefold.data.part import DiskError, discard_part
from fivefold.data.progress import Meter, Progress
from fivefold.data.transfer import MissingFileError, fetch, remote_size
from fivefold.errors import DataError

RECORD = "fivefold-download.jsonl"
LOCK = ".fivefold-download.lock"
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

State = Literal["kept", "fetched", "missing", "failed"]


@dataclass(frozen=True)
class Arrival:
    """A file that lies in the folder whole."""

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Attributes:
        file: Which one.
        state: ``kept`` from an earlier run, ``fetched`` now, ``missing`` on the server, ``failed``.
        reason: Why, for the last two.
    """

    file: RemoteFile
    state: State
    reason: str = ""


def fetch_legal(
    folder: Path,
    host: FivekHost | None = None,
    *,
    pace: Pace | None = None,
    patience: Patience | None = None,
) -> None:
    """Bring the licences and the lists of names into ``folder``, those that are not there yet.

    Raises:
        DataError: If one cannot be had.
    """
    host, pace, patience = host or FivekHost(), pace or Pace(), patience or Patience()
    lists = [names for _, names in host.licences]
    with _only_one(folder):
        for path in [text for text, _ in host.licences] + lists:
            if not (folder / path).exists():
                fetch(host.file(path), folder, pace=pace, patience=patience)
        try:
            read_index(folder, host)
        except DataError:
            for path in lists:  # so that the next run asks the server again
                (folder / path).unlink()
            raise


def download(
    files: Sequence[RemoteFile],
    folder: Path,
    host: FivekHost | None = None,
    *,
    workers: int = 4,
    pace: Pace | None = None,
    patience: Patience | None = None,
    verify: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> list[Outcome]:
    """Bring files of FiveK into ``folder``; one that cannot be had never stops the rest.

    Args:
        files: What to bring; see :func:`fivefold.data.fivek.select_files`.
        folder: The folder of the set, its licences fetched (:func:`fetch_legal`) and accepted.
        host: Where the files come from.
        workers: Files on their way at once.
        pace: Limit on requests and bytes; by default 4 requests a second. Setting its ``stop``
            ends the download early; so does a ``KeyboardInterrupt``.
        patience: When to give a file up.
        verify: Read kept files and compare their hash too, not only their size.
        on_progress: Called from this thread about ten times a second, and at the end.

    Returns:
        What became of each file, in the order of ``files``.

    Raises:
        ValueError: For no worker at all.
        DataError: If a licence was not accepted, another download runs in this folder, or the disk
            is full or read-only; :class:`~fivefold.data.pace.StoppedError` if it was stopped.
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1, received {workers}")
    pace, patience = pace or Pace(requests_per_s=4.0), patience or Patience()
    if not_accepted(folder, read_licences(folder, host)):
        raise DataError(f"{folder}: the licence of FiveK was not accepted yet")
    with _only_one(folder), _Record(folder / RECORD) as record:
        meter = Meter(len(files))

        def bring(file: RemoteFile) -> Outcome:
            try:
                return _bring(file, folder, record, meter, pace, patience, verify)
            finally:
                meter.settle(file.path)

        with ThreadPoolExecutor(workers, thread_name_prefix="download") as pool:
            futures = [pool.submit(bring, file) for file in files]
            try:
                _watch(futures, meter, on_progress)
            except BaseException:
                pace.stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        return [future.result() for future in futures]


def _watch(
    futures: list[Future[Outcome]], meter: Meter, on_progress: Callable[[Progress], None]
) -> None:
    """Report until all is settled; a failure that stops everything is raised here."""
    pending = set(futures)
    while pending:
        done, pending = wait(pending, timeout=0.1, return_when=FIRST_COMPLETED)
        for future in done:
            future.result()
        on_progress(meter.progress())


def _bring(
    file: RemoteFile,
    folder: Path,
    record: _Record,
    meter: Meter,
    pace: Pace,
    patience: Patience,
    verify: bool,
) -> Outcome:
    goal = folder / file.path
    if _is_whole(file, goal, record, pace, patience, verify):
        meter.at_hand(file.path, goal.stat().st_size)
        discard_part(goal)
        return Outcome(file, "kept")
    try:
        fetch(
            file,
            folder,
            pace=pace,
            patience=patience,
            on_size=lambda size: meter.size(file.path, size),
            on_bytes=lambda count: meter.at_hand(file.path, count),
        )
        _check_is_a_picture(goal)
    except (StoppedError, DiskError):
        raise
    except MissingFileError as error:
        return Outcome(file, "missing", str(error))
    except DataError as error:
        return Outcome(file, "failed", str(error))
    record.add(_arrival(file, goal))
    return Outcome(file, "fetched")


def _is_whole(
    file: RemoteFile, goal: Path, record: _Record, pace: Pace, patience: Patience, verify: bool
) -> bool:
    """Is the file here already, by our record or, for one that came another way, by its size?"""
    if not goal.exists():
        return False
    known = record.get(file.path)
    if known is not None:
        return goal.stat().st_size == known.size_bytes and (
            not verify or _sha256(goal) == known.sha256
        )
    if remote_size(file, pace=pace, patience=patience) != goal.stat().st_size:
        return False
    record.add(_arrival(file, goal))
    return True


def _arrival(file: RemoteFile, goal: Path) -> Arrival:
    return Arrival(file.path, goal.stat().st_size, _sha256(goal))


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check_is_a_picture(goal: Path) -> None:
    """Catch a page that a proxy or a log-in sent in place of the file, with status 200."""
    with goal.open("rb") as stream:
        start = stream.read(4)
    if goal.suffix.lower() in (".dng", ".tif", ".tiff") and start not in _TIFF_STARTS:
        goal.unlink()
        raise DataError(f"{goal}: what the server sent is no TIFF or DNG")


class _Record:
    """The files that arrived whole."""

    def __init__(self, path: Path) -> None:
        self._arrivals = {}
        for entry in read_journal(path):
            try:
                arrival = Arrival(**entry)
            except TypeError as error:
                raise DataError(f"{path}: is damaged") from error
            self._arrivals[arrival.path] = arrival
        self._journal = Journal(path)

    def __enter__(self) -> _Record:
        return self

    def __exit__(self, *_: object) -> None:
        self._journal.__exit__()

    def get(self, path: str) -> Arrival | None:
        return self._arrivals.get(path)

    def add(self, arrival: Arrival) -> None:
        self._arrivals[arrival.path] = arrival
        self._journal.add(asdict(arrival))


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Hold the folder: two downloads would write into each other's parts."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stream = (folder / LOCK).open("w")
    except OSError as error:
        raise DiskError(f"{folder}: {error.strerror}") from error
    with stream:
        try:
            _lock(stream)
        except OSError as error:
            raise DataError(f"{folder}: another download runs in this folder") from error
        yield


def _lock(stream: IO[str]) -> None:
    """Lock an open file until it is closed; the system drops the lock of a killed process."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
