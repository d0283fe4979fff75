"""Photos that arrive in a folder, each told once it is complete.

Nobody says when a file has been written to its end. A photo counts as complete when its size and
time have not changed for a while (``settle_s``) and it can be opened; one that comes with an older
time, as a file does that was written elsewhere and then renamed, is complete at once. Half a photo
that nevertheless looks complete does no harm: it cannot be read, and counts anew once it changes.

What the operating system says about changes is taken as a hint where to look, since hints get lost:
on network folders, in folders made a moment ago, and when there are too many of them. Everything is
looked through from time to time as well.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from fivefold.runtime.file_state import FileState
from fivefold.runtime.search import ENHANCED, Found, walk, without_results

_TICK_MS = 250  # how long completeness may go unnoticed
_GATHER_MS = 500  # hints that come closer together than this are taken together
_LOOK_THROUGH_S = 60.0
_FALLBACK_S = 2.0  # between looks where the operating system does not tell
_GONE_S = 1.0  # between looks for a folder that has gone
_LOCKED = 10  # times settle_s, after which a file that cannot be opened is told


class _Waiting(NamedTuple):
    """A photo that may not be complete yet."""

    photo: Found
    state: FileState
    since_s: float


class Arrivals:
    """What is known of the photos below a folder: seen before, waiting to be complete, complete.

    Attributes:
        root: The folder.
    """

    def __init__(
        self,
        root: Path,
        suffixes: Collection[str],
        *,
        output: Path | None,
        settle_s: float = 1.0,
        trusts_times: bool = True,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Know nothing yet.

        Args:
            root: The folder.
            suffixes: Of photos, in lower case with the dot.
            output: Where results go; not looked into. ``None`` if they go beside the photos: then
                names that end in ``_enhanced`` are passed over, which otherwise are so beside the
                photo that they are the result of.
            settle_s: How long a photo must not have changed.
            trusts_times: Whether a photo whose time is older than that is complete at once. Not so
                where another machine's clock gives the times.
            tell: Gets a line about each folder that cannot be listed, once.
        """
        self.root = root
        self._suffixes = suffixes
        self._left_out = None if output is None else os.path.realpath(output)
        self._has_results = output is None
        self._settle_s = settle_s
        self._trusts_times = trusts_times
        self._tell = tell
        self._seen: dict[str, FileState] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._untold_of: set[str] = set()

    def take_stock(self, now_s: float, *, as_seen: bool) -> set[Path]:
        """The photos that are there before any has arrived.

        Args:
            now_s: The time of a clock that only goes forward.
            as_seen: Whether they count only once they change.
        """
        self.look(None, now_s)
        present = {waiting.photo.source for waiting in self._waiting.values()}
        if as_seen:
            self._seen |= {name: waiting.state for name, waiting in self._waiting.items()}
            self._waiting.clear()
        return present

    def look(self, changed: Iterable[str] | None, now_s: float) -> None:
        """Look for photos that are new or have changed.

        Args:
            changed: Files and folders of which something was heard; ``None`` for all there are.
            now_s: The time of a clock that only goes forward.
        """
        unreadable: list[OSError] = []
        found: set[str] = set()
        for photo in self._photos(changed, unreadable):
            name = os.fspath(photo.source)
            try:
                state = FileState.of(name)
            except OSError:
                continue  # gone again, or a link to nothing
            found.add(name)
            waiting = self._waiting.get(name)
            if state.size_bytes == 0 or state == self._seen.get(name):
                self._waiting.pop(name, None)  # nothing of it has come yet, or nothing new
            elif waiting is None or waiting.state != state:
                self._waiting[name] = _Waiting(photo, state, now_s)
        for error in unreadable:
            if error.filename not in self._untold_of and not isinstance(error, FileNotFoundError):
                self._untold_of.add(error.filename)
                self._tell(f"{error.filename}: {error.strerror}")
        # An empty folder may be one that a disk has gone from, and comes back to.
        if changed is None and found and not unreadable:
            self._seen = {name: self._seen[name] for name in found & self._seen.keys()}

    def _photos(self, changed: Iterable[str] | None, unreadable: list[OSError]) -> Iterator[Found]:
        if changed is None:
            yield from self._below(self.root, unreadable)
            return
        folders = set()
        for path in map(Path, changed):
            folders.add(path.parent)
            if path.is_dir() and self._is_ours(path):
                yield from self._below(path, unreadable)
        for folder in folders:
            if self._is_ours(folder):
                photos = self._below(folder, unreadable)
                yield from takewhile(partial(_lies_in, folder), photos)  # these come first

    def _below(self, folder: Path, unreadable: list[OSError]) -> Iterator[Found]:
        photos = walk(folder, self._suffixes, self._left_out, unreadable)
        for photo in without_results(photos):
            if not (self._has_results and photo.source.stem.endswith(ENHANCED)):
                yield Found(photo.source, photo.source.relative_to(self.root))

    def _is_ours(self, folder: Path) -> bool:
        """Whether :meth:`look` would come to a folder from the root."""
        if not folder.is_relative_to(self.root):
            return False
        while folder != self.root:
            if folder.name.startswith(".") or folder.is_symlink():
                return False
            if self._left_out is not None and os.path.realpath(folder) == self._left_out:
                return False
            folder = folder.parent
        return True

    def complete(self, now_s: float) -> list[Found]:
        """The photos that have become complete; from now on they count as seen.

        Args:
            now_s: The time of the same clock.
        """
        complete = []
        for name, waiting in list(self._waiting.items()):
            try:
                state = FileState.of(name)
            except OSError:
                del self._waiting[name]  # gone before it was read: nothing to tell
                continue
            if state != waiting.state:
                self._waiting[name] = waiting._replace(state=state, since_s=now_s)
            elif self._is_complete(name, waiting, now_s):
                del self._waiting[name]
                self._seen[name] = state
                complete.append(waiting.photo)
        return complete

    def _is_complete(self, name: str, waiting: _Waiting, now_s: float) -> bool:
        still_s = now_s - waiting.since_s
        age_s = time.time() - waiting.state.mtime_ns / 1e9
        if still_s < self._settle_s and not (self._trusts_times and age_s >= self._settle_s):
            return False
        try:
            with open(name, "rb"):  # noqa: PTH123, the name is text
                return True
        except OSError:  # whoever writes it may hold it; in the end reading says what is wrong
            return still_s >= _LOCKED * self._settle_s

    def is_as_seen(self, source: Path) -> bool:
        """Whether a photo is still there as it was when it was told as complete."""
        try:
            return FileState.of(source) == self._seen.get(os.fspath(source))
        except OSError:
            return False


def _lies_in(folder: Path, photo: Found) -> bool:
    return photo.source.parent == folder


def watch(
    arrivals: Arrivals,
    stop: threading.Event,
    *,
    poll_s: float | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[list[Found]]:
    """Tell of photos as they become complete, until stopped.

    Args:
        arrivals: The folder, and what is known of it.
        stop: Ends the iteration once it is set.
        poll_s: Look through everything so often, instead of being told by the operating system.
        tell: Gets a line about what goes wrong.

    Yields:
        The photos that have become complete; an empty list every now and then.
    """
    is_gone = False
    while not stop.is_set():
        if not arrivals.root.is_dir():
            if not is_gone:
                tell(f"{arrivals.root}: the folder is gone; waiting until it is back")
            is_gone = True
            stop.wait(_GONE_S)
            continue
        is_gone = False
        hints = _looks(stop, poll_s) if poll_s is not None else _notices(arrivals.root, stop)
        try:
            yield from _follow(arrivals, hints)
        except FileNotFoundError:  # the folder has just gone, or one in it
            stop.wait(_GONE_S)
        except (OSError, RuntimeError) as error:  # what watchfiles raises
            poll_s = _FALLBACK_S
            tell(f"{arrivals.root}: {error}; looking every {poll_s:g} s instead")


def _follow(arrivals: Arrivals, hints: Iterator[set[str] | None]) -> Iterator[list[Found]]:
    """Look where the hints say, until the folder is another one."""
    identity = _identity(arrivals.root)
    looked_through_s = -_LOOK_THROUGH_S
    for changed in hints:
        now_s = time.monotonic()
        if now_s - looked_through_s >= _LOOK_THROUGH_S:
            changed, looked_through_s = None, now_s
        arrivals.look(changed, now_s)
        yield arrivals.complete(time.monotonic())
        if _identity(arrivals.root) != identity:
            return


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _looks(stop: threading.Event, poll_s: float) -> Iterator[None]:
    while not stop.is_set():
        yield None
        stop.wait(poll_s)


def _notices(root: Path, stop: threading.Event) -> Iterator[set[str]]:
    """What the operating system has noticed, or nothing after a tick."""
    import watchfiles

    real = Path(os.path.realpath(root))  # as some systems name what they notice
    for changes in watchfiles.watch(
        real,
        watch_filter=None,
        debounce=_GATHER_MS,
        rust_timeout=_TICK_MS,
        yield_on_timeout=True,
        stop_event=stop,
        ignore_permission_denied=True,
    ):
        yield {os.fspath(root / os.path.relpath(path, real)) for _, path in changes}
