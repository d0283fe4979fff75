"""Many photos on all cores: each is read, enhanced and written by one thread."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fivefold.errors import (
    BundleError,
    FivefoldError,
    PhotoReadError,
    PhotoWriteError,
    UnsupportedPhotoError,
)
from fivefold.photo.atomic import remove_leftovers, write_atomically
from fivefold.photo.files import one_line, read_photo, write_photo
from fivefold.photo.limits import DEFAULT_MAX_PIXELS
from fivefold.photo.threads import available_threads
from fivefold.runtime.file_state import FileState
from fivefold.runtime.folders import make_folder
from fivefold.version import VERSION

if TYPE_CHECKING:
    from concurrent.futures import Future

    from fivefold.photo.image import Photo
    from fivefold.runtime.enhancer import Enhancer
    from fivefold.runtime.journal import Journal, Recipe
    from fivefold.runtime.plan import Task


_BANDED_SUFFIXES = (".tif", ".tiff")  # of results that can be written a band at a time
_CHANGED = "changed while it was read"


class Outcome(NamedTuple):
    """What became of one photo.

    Attributes:
        source: The photo.
        target: Where its result was to go.
        seconds: From opening it until its result was in place.
        error: Why there is no result, or ``None``.
        skipped: The target was there already, and was left alone.
        notes: What reading the photo changed or left out, in words for a person.
        stale: Why a result that was left alone is not what it would be if it was made anew, as far
            as the journal says; empty otherwise.
    """

    source: Path
    target: Path
    seconds: float
    error: Exception | None = None
    skipped: bool = False
    notes: tuple[str, ...] = ()
    stale: str = ""

    @property
    def ok(self) -> bool:
        """Whether the target is in place."""
        return self.error is None

    @property
    def message(self) -> str:
        """The error as ``FILE: reason``, one printable line; empty without one."""
        if self.error is None:
            return ""
        reason = str(self.error)
        names = tuple(one_line(str(path)) for path in (self.source, self.target))
        if isinstance(self.error, FivefoldError) and reason.startswith(names):
            return reason
        if isinstance(self.error, MemoryError):
            reason = "not enough memory"
        elif not isinstance(self.error, FivefoldError | ValueError):
            reason = f"{type(self.error).__name__}: {reason}"
        return f"{names[0]}: {one_line(reason)}"


@dataclass(frozen=True, slots=True)
class Settings:
    """How photos are enhanced and written.

    Attributes:
        strength: 0 is the untouched photo, 1 the model; from -1.5 to 1.5.
        quality: Of lossy formats, 1…100; ``None`` is the format's default.
        bit_depth: 8 or 16; ``None`` keeps the photo's own where the format can.
        skip_existing: Leave a photo alone whose target is there.
        update: The same, unless the target was made with other settings or from an older photo; the
            journal says so, or without a word of it there the files' times. A target that somebody
            has changed since is left alone.
        strip_metadata: Leave out EXIF, XMP, IPTC and texts; the colour profile stays.
        note: Say in XMP what was done: program, model and strength.
        keep_times: Give the result's file the times of the photo's.
        max_pixels: Larger photos are refused, but for TIFF files that become TIFF files: these are
            worked on a band at a time.
        threads: How many threads reading or writing one photo may use; ``None`` for all there are.
        reading_threads: The same for reading alone; ``None`` for as many as ``threads``.
    """

    strength: float = 1.0
    quality: int | None = None
    bit_depth: int | None = None
    skip_existing: bool = False
    update: bool = False
    strip_metadata: bool = False
    note: bool = True
    keep_times: bool = False
    max_pixels: int = DEFAULT_MAX_PIXELS
    threads: int | None = None
    reading_threads: int | None = None


def enhance_files(
    tasks: Iterable[Task],
    enhancer: Callable[[], Enhancer],
    settings: Settings | None = None,
    *,
    jobs: int | None = None,
    journal: Journal | None = None,
) -> Iterator[Outcome]:
    """Enhance photos, several at a time, and tell what became of each as soon as it is known.

    A photo that cannot be read or written is told and never stops the others. No more than
    ``jobs`` photos are in memory, however many there are. When the iterator is closed, or what
    uses it is interrupted, the photos under way are finished and no others begun.

    Args:
        tasks: What to read and where to write, see :func:`fivefold.runtime.plan.make_plan`.
        enhancer: Gives the enhancer. It is asked after a photo was decoded, so that loading a
            bundle in another thread (a future's ``result``) costs no time of its own.
        settings: How to enhance and write.
        jobs: How many photos to work on at a time; by default as many as the process may run
            threads.
        journal: Is asked whether a result is up to date, and told what became of each photo that
            was not skipped.

    Yields:
        An outcome for each task, in the order in which they end.

    Raises:
        BundleError: If the bundle cannot be used: no photo could be enhanced.
        ValueError: If ``jobs`` is below 1.
    """
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs must be at least 1, received {jobs}")
    batch = Batch(enhancer, settings or Settings(), journal)
    return batch.run(tasks, jobs or available_threads())


class Batch:
    """What the threads of a batch share; it may be run several times.

    :func:`enhance_files` says what the arguments mean.
    """

    def __init__(
        self, enhancer: Callable[[], Enhancer], settings: Settings, journal: Journal | None
    ) -> None:
        self._enhancer = enhancer
        self._settings = settings
        self._journal = journal
        self._lock = threading.Lock()
        self._cleared: set[Path] = set()

    def run(self, tasks: Iterable[Task], jobs: int) -> Iterator[Outcome]:
        """Enhance photos, see :func:`enhance_files`."""
        if isinstance(tasks, Sequence) and len(tasks) == 1:
            yield self._attempt(tasks[0])  # a pool would take longer to load than it saves
            return
        from concurrent.futures import ThreadPoolExecutor
        from queue import SimpleQueue

        waiting = iter(tasks)
        pool = ThreadPoolExecutor(jobs, thread_name_prefix="fivefold")
        running = 0
        # Ctrl-C may come at any moment of the waiting: this queue has no lock of Python's own to be
        # left half taken.
        ended: SimpleQueue[Future[Outcome]] = SimpleQueue()
        try:
            while True:
                # One more than there are threads, so that none waits for this one.
                for task in islice(waiting, jobs + 1 - running):
                    pool.submit(self._attempt, task).add_done_callback(ended.put)
                    running += 1
                if not running:
                    return
                outcome = ended.get().result()
                running -= 1
                yield outcome
        finally:
            pool.shutdown(cancel_futures=True)

    def _attempt(self, task: Task) -> Outcome:
        """Enhance a photo unless its result is there, and tell what became of it."""
        start_s = time.perf_counter()
        error: Exception | None = None
        notes: tuple[str, ...] = ()
        state: FileState | None = None
        try:
            if (stale := self.kept(task)) is not None:
                self._clear(task.target.parent)
                seconds = time.perf_counter() - start_s
                return Outcome(task.source, task.target, seconds, skipped=True, stale=stale)
            state = _state_of_file(task.source)
            notes = self._enhance(task, state)
        except BundleError:
            raise
        except Exception as caught:  # whatever a broken file makes a decoder raise: it is told
            _let_go(caught)
            error = caught
        seconds = time.perf_counter() - start_s
        outcome = Outcome(task.source, task.target, seconds, error, notes=notes)
        if self._journal is not None:
            self._journal.add(
                task.source,
                task.target,
                None if error else self._recipe(),
                state=state,
                seconds=seconds,
                error=outcome.message or None,
            )
        return outcome

    def kept(self, task: Task) -> str | None:
        """Why a result that stays is out of date, "" if it is not; ``None`` if it is to be made.

        Raises:
            BundleError: If the journal knows the result, and the bundle cannot be used.
        """
        settings = self._settings
        if not (settings.skip_existing or settings.update) or not task.has_result:
            return None
        stale = self._why_stale(task)
        return None if settings.update and stale else stale

    def _why_stale(self, task: Task) -> str:
        if self._journal is not None and self._journal.source_of(task.target) is not None:
            return self._journal.why_stale(task.source, task.target, self._recipe()) or ""
        if not self._settings.update:
            return ""
        source, target = _state_of_file(task.source), _state_of_file(task.target)
        is_older = source is not None and target is not None and target.mtime_ns < source.mtime_ns
        return "the photo is newer" if is_older else ""

    def _recipe(self) -> Recipe:
        from fivefold.runtime.journal import Recipe, model_sha256

        enhancer = self._enhancer()
        bundle = enhancer.bundle
        return Recipe(
            model=bundle.manifest.name,
            model_sha256=model_sha256(bundle, enhancer.blend.tolist()),
            strength=self._settings.strength,
            quality=self._settings.quality,
            bit_depth=self._settings.bit_depth,
            strip_metadata=self._settings.strip_metadata,
            note=self._settings.note,
        )

    def _enhance(self, task: Task, state: FileState | None) -> tuple[str, ...]:
        if task.target.suffix.lower() in _BANDED_SUFFIXES and self._enhance_banded(task, state):
            self._set_time(task.target, state)
            return ()
        photo = read_photo(
            task.source,
            max_pixels=self._settings.max_pixels,
            threads=self._settings.reading_threads or self._settings.threads,
        )
        photo = enhance_photo(photo, self._enhancer(), self._settings)
        if not _is_still(task.source, state):
            raise PhotoReadError(f"{one_line(str(task.source))}: {_CHANGED}")
        self._make_folder(task.target)
        write_photo(
            photo,
            task.target,
            # A photo that is replaced stays what it is, also under another format's name.
            format=photo.format if task.target == task.source else None,
            quality=self._settings.quality,
            bit_depth=self._settings.bit_depth,
            threads=self._settings.threads,
        )
        self._set_time(task.target, state)
        return photo.notes

    def _set_time(self, target: Path, state: FileState | None) -> None:
        if state is None or not self._settings.keep_times:
            return
        try:
            os.utime(target, ns=(state.mtime_ns, state.mtime_ns))
        except OSError as error:
            reason = f"its time cannot be set: {error.strerror}"
            raise PhotoWriteError(f"{target}: {reason}") from error

    def _enhance_banded(self, task: Task, state: FileState | None) -> bool:
        """Enhance a TIFF that is too large for the memory; false for any other photo."""
        from fivefold.runtime import bands

        threads = self._settings.threads or available_threads()
        try:
            large = bands.open_bands(task.source, self._settings.max_pixels, threads)
            if large is None:
                return False
            enhancer = self._enhancer()
            parts = bands.render_banded(
                large,
                _described(large.photo, enhancer, self._settings),
                bands.predict_banded(large, enhancer),
                strength=self._settings.strength,
                bit_depth=self._settings.bit_depth,
                threads=threads,
            )
            self._make_folder(task.target)
            write_atomically(task.target, _if_still(task.source, state, parts))
        except (PhotoReadError, UnsupportedPhotoError) as error:
            raise type(error)(f"{one_line(str(task.source))}: {error}") from error
        except OSError as error:
            raise PhotoWriteError(f"{task.target}: {error.strerror or error}") from error
        return True

    def _make_folder(self, target: Path) -> None:
        try:
            make_folder(target.parent)
        except NotADirectoryError as error:
            raise PhotoWriteError(f"{target}: {error.filename} {error.strerror}") from error
        except OSError as error:
            raise PhotoWriteError(f"{target}: {error.strerror or error}") from error
        self._clear(target.parent)

    def _clear(self, folder: Path) -> None:
        """Clear a folder of what a killed run left half-written there, once."""
        with self._lock:  # nobody of this batch writes there before it is cleared
            if folder not in self._cleared:
                remove_leftovers(folder)
                self._cleared.add(folder)


def _is_still(source: Path, state: FileState | None) -> bool:
    """Whether a photo is as it was; else half of it may be of another version, or an edit lost."""
    return state is None or _state_of_file(source) == state


def _if_still(
    source: Path, state: FileState | None, parts: Iterable[bytes | memoryview]
) -> Iterator[bytes | memoryview]:
    """The parts of a result, and an error at their end if the photo has changed meanwhile."""
    yield from parts
    if not _is_still(source, state):
        raise PhotoReadError(_CHANGED)


def _state_of_file(path: Path) -> FileState | None:
    """The state of a file; ``None`` for a pipe, which has none, and for what cannot be asked."""
    try:
        return FileState.of(path) if stat.S_ISREG(path.stat().st_mode) else None
    except OSError:
        return None


def _let_go(error: BaseException | None) -> None:
    """Keep an error, whose traceback reaches every variable on its way, from keeping photos."""
    import traceback

    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def enhance_photo(photo: Photo, enhancer: Enhancer, settings: Settings) -> Photo:
    """Enhance a photo that nobody else needs as it was: its own memory is used where it can be.

    Raises:
        BundleError: If the bundle cannot be used.
        UnsupportedPhotoError: If the photo's colour profile cannot be used.
        ValueError: If pixels or strength are out of range.
    """
    result = enhancer.render(
        photo,
        enhancer.predict(photo),
        strength=settings.strength,
        in_place=photo.pixels.flags.writeable,
    )
    return _described(result, enhancer, settings)


def _described(photo: Photo, enhancer: Enhancer, settings: Settings) -> Photo:
    """The photo with the metadata that its result is to have."""
    from fivefold.photo.note import without_metadata

    if settings.strip_metadata:
        photo = without_metadata(photo)
    return noted(photo, enhancer, settings.strength) if settings.note else photo


def noted(photo: Photo, enhancer: Enhancer, strength: float) -> Photo:
    """The photo with a note in its XMP of what was done: program, model and strength."""
    from fivefold.photo.note import with_note

    facts = {
        "Software": f"fivefold {VERSION}",
        "Model": enhancer.model_name,
        "Strength": f"{strength:g}",
    }
    return with_note(photo, facts)
