"""What is scored: an input, what a retoucher made of it, and where the two can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fivefold.errors import DataError, PhotoError, PhotoReadError
from fivefold.photo.files import read_photo
from fivefold.photo.formats import KNOWN_SUFFIXES
from fivefold.photo.image import Photo

OnFailure = Callable[[str], None]
TRUSTED_FROM = 128  # a mask is white where a pair can be trusted


@dataclass(frozen=True)
class Case:
    """One input and one target.

    Attributes:
        id: The photo; several cases may show one.
        style: Whose version the target is.
        input: The picture before.
        target: The picture after, of the same size.
        mask: ``(H, W)``, true where the case counts; ``None`` for everywhere.
        kind: How the input came about.
    """

    id: str
    style: str
    input: Photo
    target: Photo
    mask: NDArray[np.bool_] | None = None
    kind: str = ""


class _Encoded(Protocol):
    def read_bytes(self) -> bytes: ...


class Versions(Protocol):
    """A photo of a set, as :class:`fivefold.data.versions.PhotoVersions` describes it."""

    @property
    def id(self) -> str:
        """The photo."""
        ...

    @property
    def input(self) -> _Encoded:
        """The picture before."""
        ...

    @property
    def targets(self) -> Mapping[str, _Encoded]:
        """The pictures after, by style."""
        ...

    @property
    def rendition(self) -> str:
        """How the input came about."""
        ...

    @property
    def mask(self) -> _Encoded | None:
        """White where the pair counts."""
        ...


def cases_of(
    photos: Iterable[Versions],
    styles: Sequence[str] | None = None,
    *,
    on_failure: OnFailure | None = None,
) -> Iterator[Case]:
    """Each photo of a set with each of its versions, decoded one photo at a time.

    Args:
        photos: A set.
        styles: Which versions; all without it.
        on_failure: Called with a line for each picture that is missing or damaged, whose cases
            then do not come; without it the error is raised.

    Raises:
        FivefoldError: A :class:`PhotoError` or :class:`DataError`, for such a picture.
    """
    for photo in photos:
        targets = {s: t for s, t in photo.targets.items() if styles is None or s in styles}
        if not targets:
            continue
        before = _decode(photo.input, on_failure)
        trusted = None if photo.mask is None else _decode(photo.mask, on_failure)
        if before is None or (photo.mask is not None and trusted is None):
            continue
        mask = None if trusted is None else trusted.pixels[..., 0] >= TRUSTED_FROM
        for style, target in targets.items():
            after = _decode(target, on_failure)
            if after is not None:
                yield Case(photo.id, style, before, after, mask, photo.rendition)


def cases_with_results(
    cases: Iterable[Case], folder: Path, *, on_failure: OnFailure | None = None
) -> Iterator[Case]:
    """The same cases, with another program's results in place of the inputs.

    Scoring these untouched scores that program. A result is the picture in ``folder`` whose name,
    without its ending, is the photo's id or starts with it and a sign that is no letter or digit.
    Where there is a folder in it for a style, results for that style are looked for there.

    Args:
        cases: What to score.
        folder: The results.
        on_failure: Called with a line for each photo without one readable result, whose cases then
            do not come; without it the error is raised.

    Raises:
        DataError: If the folder is missing, or a photo has no result, or several.
        PhotoError: If a result is damaged.
    """
    indexes: dict[Path, dict[str, list[Path]]] = {}
    for case in cases:
        place = folder / case.style if (folder / case.style).is_dir() else folder
        if place not in indexes:
            indexes[place] = _index(place)
        found = _results(indexes[place], case.id)
        if len(found) == 1:
            result = _decode(found[0], on_failure)
            if result is not None:
                yield replace(case, input=result)
            continue
        names = ", ".join(path.name for path in found) or "none"
        problem = f"{place}: must hold one result of {case.id}, found {names}"
        if on_failure is None:
            raise DataError(problem)
        on_failure(problem)


def expert_cases(
    photos: Iterable[Versions],
    styles: Sequence[str],
    *,
    on_failure: OnFailure | None = None,
) -> Iterator[Case]:
    """Every two retouchers' versions of a photo against each other.

    Scoring these untouched tells how far people are apart, and thus what a score against one of
    them can mean. All measures are symmetric, so each two come once; a photo that lacks a version
    comes without it.

    Args:
        photos: A set.
        styles: Whose versions; the style of a case is two of these joined by ``/``.
        on_failure: As in :func:`cases_of`.

    Raises:
        ValueError: For fewer than two styles.
        PhotoError: If a picture is missing or damaged.
    """
    if len(styles) < 2:
        raise ValueError(f"styles must be at least two, received {list(styles)}")
    for photo in photos:
        there = [style for style in styles if style in photo.targets]
        if len(there) < 2:
            continue
        decoded = {style: _decode(photo.targets[style], on_failure) for style in there}
        versions = [(style, version) for style, version in decoded.items() if version is not None]
        for (one, ours), (other, theirs) in combinations(versions, 2):
            yield Case(photo.id, f"{one}/{other}", ours, theirs)


def _decode(picture: _Encoded, on_failure: OnFailure | None) -> Photo | None:
    """The picture, or ``None`` once its failure has been told."""
    try:
        try:
            content = picture.read_bytes()
        except OSError as error:
            raise PhotoReadError(f"{picture}: {error.strerror or error}") from error
        return read_photo(content, name=str(picture), threads=1)
    except (PhotoError, DataError) as error:
        if on_failure is None:
            raise
        on_failure(str(error))
        return None


def _index(folder: Path) -> dict[str, list[Path]]:
    """The pictures of a folder by their names without ending."""
    if not folder.is_dir():
        raise DataError(f"{folder}: is no folder")
    index: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in KNOWN_SUFFIXES and not path.name.startswith("."):
            index.setdefault(path.stem, []).append(path)
    return index


def _results(index: Mapping[str, list[Path]], photo_id: str) -> list[Path]:
    if photo_id in index:
        return index[photo_id]
    return [
        path
        for stem, paths in index.items()
        if stem.startswith(photo_id) and not stem[len(photo_id)].isalnum()
        for path in paths
    ]
