"""Many photos on all cores: each is read, enhanced and written by one thread."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path

from fivefold.errors import BundleError, FivefoldError, PhotoWriteError
from fivefold.photo import note
from fivefold.photo.files import one_line, read_photo, write_photo
from fivefold.photo.image import Photo
from fivefold.photo.threads import available_threads
from fivefold.runtime.enhancer import Enhancer
from fivefold.runtime.plan import Task


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one photo.

    Attributes:
        source: The photo.
        target: Where its result was to go.
        seconds: From opening it until its result was in place.
        error: Why there is no result, or ``None``.
        skipped: The target was there already, and was left alone.
        notes: What reading the photo changed or left out, in words for a person.
    """

    source: Path
    target: Path
    seconds: float
    error: Exception | None = None
    skipped: bool = False
    notes: tuple[str, ...] = ()

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
        strip_metadata: Leave out EXIF, XMP, IPTC and texts; the colour profile stays.
        note: Say in XMP what was done: program, model and strength.
        threads: How many threads writing one photo may use; ``None`` for all there are.
    """

    strength: float = 1.0
    quality: int | None = None
    bit_depth: int | None = None
    skip_existing: bool = False
    strip_metadata: bool = False
    note: bool = True
    threads: int | None = None


def enhance_files(
    tasks: Iterable[Task],
    enhancer: Callable[[], Enhancer],
    settings: Settings | None = None,
    *,
    jobs: int | None = None,
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

    Yields:
        An outcome for each task, in the order in which they end.

    Raises:
        BundleError: If the bundle cannot be used: no photo could be enhanced.
        ValueError: If ``jobs`` is below 1.
    """
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs must be at least 1, received {jobs}")
    return _run(iter(tasks), enhancer, settings or Settings(), jobs or available_threads())


def _run(
    tasks: Iterator[Task], enhancer: Callable[[], Enhancer], settings: Settings, jobs: int
) -> Iterator[Outcome]:
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="fivefold")
    running: set[Future[Outcome]] = set()
    try:
        while True:
            # One more than there are threads, so that none waits for this one.
            for task in islice(tasks, jobs + 1 - len(running)):
                running.add(pool.submit(_attempt, task, enhancer, settings))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _attempt(task: Task, enhancer: Callable[[], Enhancer], settings: Settings) -> Outcome:
    start_s = time.perf_counter()
    error: Exception | None = None
    skipped = False
    notes: tuple[str, ...] = ()
    try:
        if settings.skip_existing and task.has_result:
            skipped = True
        else:
            notes = _enhance_file(task, enhancer, settings)
    except BundleError:
        raise
    except Exception as caught:  # whatever a broken file makes a decoder raise: it is told
        _let_go(caught)
        error = caught
    seconds = time.perf_counter() - start_s
    return Outcome(task.source, task.target, seconds, error, skipped, notes)


def _let_go(error: BaseException | None) -> None:
    """Keep an error, whose traceback reaches every variable on its way, from keeping photos."""
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
    if settings.strip_metadata:
        result = note.without_metadata(result)
    if settings.note:
        result = note.with_note(
            result,
            {
                "Software": f"fivefold {version('fivefold')}",
                "Model": enhancer.bundle.manifest.name,
                "Strength": f"{settings.strength:g}",
            },
        )
    return result


def _enhance_file(
    task: Task, enhancer: Callable[[], Enhancer], settings: Settings
) -> tuple[str, ...]:
    photo = read_photo(task.source)
    photo = enhance_photo(photo, enhancer(), settings)
    try:
        task.target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PhotoWriteError(f"{task.target}: {error.strerror or error}") from error
    write_photo(
        photo,
        task.target,
        quality=settings.quality,
        bit_depth=settings.bit_depth,
        threads=settings.threads,
    )
    return photo.notes
