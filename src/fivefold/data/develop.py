"""From originals to a set that can be trained on: six aligned sRGB pictures of each photo.

::

    OUT/manifest.jsonl    settings, then a line for each photo: files, hashes, what was left out
    OUT/input/a0001.png
    OUT/expert_a/a0001.png … OUT/expert_e/a0001.png

The input decides the frame. Each expert's picture is turned and cut to it, laid on it, and left out
if it does not fit. A run that was interrupted goes on where it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fivefold.data.alignment import Alignment, alignment
from fivefold.data.developed import (
    MANIFEST,
    Developed,
    Picture,
    Settings,
    folder_of,
    head_entry,
    is_developed,
    original_sizes,
    photo_entry,
    read_developed,
    still_holds,
)
from fivefold.data.fivek import EXPERTS, INPUT
from fivefold.data.folders import Renditions
from fivefold.data.journal import Journal
from fivefold.data.rendition import Original, open_original
from fivefold.errors import DataError, PhotoError, PhotoWriteError
from fivefold.photo.atomic import write_atomically
from fivefold.photo.files import encode_photo
from fivefold.photo.image import Photo

_TOLERANCE = 0.03  # by which shapes may differ, and an expert's frame exceed the input's


def develop(
    found: Renditions,
    root: Path,
    out: Path,
    settings: Settings | None = None,
    *,
    experts: Sequence[str] = EXPERTS,
    ids: Collection[str] | None = None,
    jobs: int = 1,
    verify: bool = False,
    on_photo: Callable[[int, int, Developed], None] = lambda *_: None,
) -> list[Developed]:
    """Develop photos into ``out``; one that cannot be read never stops the rest.

    Args:
        found: The originals, from :func:`fivefold.data.folders.find_renditions`.
        root: What the manifest names the originals relative to.
        out: The set's folder.
        settings: How; 720 px on the long side at 8 bits by default.
        experts: Whose versions.
        ids: Which photos; all that have an input without it.
        jobs: Photos at once, each in a thread; each takes 50 bytes for a pixel of the original.
        verify: Compare the hashes of pictures that are there already, not only their sizes.
        on_photo: Called from this thread with the number done, the number in all, and the photo.

    Returns:
        What became of each photo, in the order of their ids.

    Raises:
        DataError: If ``out`` was developed with other settings, or is damaged.
        PhotoWriteError: If it cannot be written.
        MissingExtraError: If there are DNGs and rawpy is not installed.
        ValueError: For no job at all.
    """
    if jobs < 1:
        raise ValueError(f"jobs must be at least 1, received {jobs}")
    settings = settings or Settings()
    earlier = _begin(out, settings)
    studio = _Studio(root, out, settings)
    work = {
        photo_id: {role: path for role, path in roles.items() if role == INPUT or role in experts}
        for photo_id, roles in found.photos.items()
        if INPUT in roles and (ids is None or photo_id in ids)
    }

    def bring(photo_id: str) -> tuple[Developed, bool]:
        before = earlier.get(photo_id)
        if before is not None and still_holds(before, work[photo_id], out, verify=verify):
            return before, False
        return studio.develop(photo_id, work[photo_id]), True

    done: dict[str, Developed] = {}
    with Journal(out / MANIFEST) as manifest, ThreadPoolExecutor(jobs) as pool:
        try:
            for future in as_completed([pool.submit(bring, photo_id) for photo_id in work]):
                photo, is_new = future.result()
                if is_new:
                    manifest.add(photo_entry(photo))
                done[photo.id] = photo
                on_photo(len(done), len(work), photo)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return [done[photo_id] for photo_id in work]


def _begin(out: Path, settings: Settings) -> Mapping[str, Developed]:
    """The photos developed earlier; the manifest is begun if there are none."""
    if is_developed(out) and (out / MANIFEST).stat().st_size:
        earlier = read_developed(out)
        if earlier.settings != settings:
            raise DataError(
                f"{out}: was developed with other settings, {earlier.settings}; "
                "choose another folder"
            )
        return earlier.photos
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PhotoWriteError(f"{out}: {error.strerror}") from error
    with Journal(out / MANIFEST) as manifest:
        manifest.add(head_entry(settings))
    return {}


@dataclass(frozen=True)
class _Studio:
    """Develops one photo after another, the same way."""

    root: Path
    out: Path
    settings: Settings

    def develop(self, photo_id: str, originals: Mapping[str, Path]) -> Developed:
        """All pictures of one photo."""
        pictures: dict[str, Picture] = {}
        left_out: dict[str, str] = {}
        sizes = original_sizes(originals)
        try:
            original = open_original(originals[INPUT], self.settings.size)
        except PhotoError as error:
            self._remove(photo_id, originals)
            return Developed(photo_id, 0, 0, {}, {INPUT: str(error)}, sizes)
        width_px, height_px = self.settings.size.of(*original.full_size_px)
        frame = original.reduced(width_px, height_px)
        pictures[INPUT] = self._store(frame, INPUT, photo_id, originals[INPUT])
        for role in (role for role in EXPERTS if role in originals):
            path = originals[role]
            try:
                fitted = _fit(open_original(path, self.settings.size), original, frame)
            except PhotoError as error:
                left_out[role] = str(error)
                continue
            if fitted is None:
                left_out[role] = f"{path}: has another shape than the input"
            elif not fitted.alignment.is_good:
                left_out[role] = f"{path}: does not lie on the input: {fitted.alignment}"
            else:
                pictures[role] = replace(
                    self._store(fitted.srgb, role, photo_id, path),
                    shift_px=round(fitted.alignment.shift_px, 3),
                    correlation=round(fitted.alignment.correlation, 3),
                    quarter_turns=fitted.quarter_turns,
                )
        self._remove(photo_id, left_out)
        sizes = {role: size for role, size in sizes.items() if role in left_out}
        return Developed(photo_id, width_px, height_px, pictures, left_out, sizes)

    def _remove(self, photo_id: str, roles: Iterable[str]) -> None:
        """Remove what an earlier run kept and this one does not."""
        for role in roles:
            (self.out / _path(role, photo_id)).unlink(missing_ok=True)

    def _store(self, srgb: NDArray[np.float32], role: str, photo_id: str, source: Path) -> Picture:
        path = _path(role, photo_id)
        content = encode_photo(_photo(srgb, self.settings.bit_depth), format="PNG")
        try:
            (self.out / path).parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.out / path, [content])
            with source.open("rb") as stream:
                source_sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise PhotoWriteError(f"{self.out / path}: {error.strerror}") from error
        return Picture(
            path=path,
            size_bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            source=str(source.relative_to(self.root)),
            source_bytes=source.stat().st_size,
            source_sha256=source_sha256,
        )


def _path(role: str, photo_id: str) -> str:
    return f"{folder_of(role)}/{photo_id}.png"


def _photo(srgb: NDArray[np.float32], bit_depth: int) -> Photo:
    if bit_depth == 8:
        return Photo(np.rint(srgb * 255).astype(np.uint8))
    return Photo(np.rint(srgb * 65535).astype(np.uint16))


@dataclass(frozen=True)
class _Fitted:
    """An expert's picture in the input's frame."""

    srgb: NDArray[np.float32]
    alignment: Alignment
    quarter_turns: int


def _fit(expert: Original, original: Original, frame: NDArray[np.float32]) -> _Fitted | None:
    """Turn and cut an expert's picture so that it lies on the input.

    Returns:
        The first try that fits, or the best one; ``None`` where no turn has the input's shape.
    """
    height_px, width_px = frame.shape[:2]
    best: _Fitted | None = None
    for quarter_turns in (0, 1, 3, 2):
        for candidate in _crops(expert.turned(quarter_turns), original):
            srgb = candidate.reduced(width_px, height_px)
            fitted = _Fitted(srgb, alignment(frame, srgb), quarter_turns)
            if fitted.alignment.is_good:
                return fitted
            if best is None or fitted.alignment.correlation > best.alignment.correlation:
                best = fitted
    return best


def _crops(expert: Original, original: Original) -> list[Original]:
    """The whole picture if it has the input's shape, before it the middle if it is a bit larger."""
    excess = [e / o for e, o in zip(expert.full_size_px, original.full_size_px, strict=True)]
    crops = []
    if max(excess) > 1 and all(1 <= e <= 1 + _TOLERANCE for e in excess):
        crops.append(expert.cropped(*original.full_size_px))
    if abs(excess[0] / excess[1] - 1) <= _TOLERANCE:
        crops.append(expert)
    return crops
