"""MIT-Adobe FiveK: its photos, its experts, and where each of its files is published.

5,000 photos (Bychkovsky et al., CVPR 2011), each as the camera's DNG and as the 16-bit ProPhoto
TIFFs of the experts A to E. Two lists name the photos, one for each of the two licences.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urljoin

from fivefold.errors import DataError

EXPERTS = ("a", "b", "c", "d", "e")
INPUT = "input"
LAST_NUMBER = 5000

_ID = re.compile(r"a\d{4}(?!\d)")
_NAME = re.compile(r"a\d{4}(?!\d)[^/\\\x00-\x1f]*")  # becomes a file's name: no folders in it
_RANGE = re.compile(r"(?:a?(?P<first>\d{1,4}))?(?:(?P<to>-)(?:a?(?P<last>\d{1,4}))?)?")


@dataclass(frozen=True)
class FivekHost:
    """Where the files of FiveK are published; the defaults are the official places.

    Attributes:
        url: The folder that all other paths are relative to; it ends in ``/``.
        input_path: Path of a photo's DNG, with ``{name}``.
        expert_path: Path of an expert's TIFF, with ``{expert}`` (``a`` to ``e``) and ``{name}``.
        licences: Path of each licence's text, with the path of the list of names that it covers.

    Raises:
        ValueError: For a URL that is not HTTP(S), or no folder.
    """

    url: str = "https://data.csail.mit.edu/graphics/fivek/"
    input_path: str = "img/dng/{name}.dng"
    expert_path: str = "img/tiff16_{expert}/{name}.tif"
    licences: tuple[tuple[str, str], ...] = (
        ("legal/LicenseAdobe.txt", "legal/filesAdobe.txt"),
        ("legal/LicenseAdobeMIT.txt", "legal/filesAdobeMIT.txt"),
    )

    def __post_init__(self) -> None:
        if not self.url.startswith(("https://", "http://")) or not self.url.endswith("/"):
            raise ValueError(f"url must be http(s)://…/, received {self.url!r}")

    def file(self, path: str) -> RemoteFile:
        """The file at ``path``, kept under the same path on disk."""
        return RemoteFile(url=urljoin(self.url, quote(path)), path=path)

    def rendition(self, name: str, rendition: str) -> RemoteFile:
        """One picture of a photo: ``"input"`` or an expert's letter.

        Raises:
            ValueError: For another rendition.
        """
        if rendition == INPUT:
            return self.file(self.input_path.format(name=name))
        if rendition in EXPERTS:
            return self.file(self.expert_path.format(expert=rendition, name=name))
        raise ValueError(f"rendition must be {INPUT} or one of {EXPERTS}, received {rendition!r}")


@dataclass(frozen=True)
class RemoteFile:
    """A file on a server, and the path, relative to a folder of the user's, that it is kept at."""

    url: str
    path: str


@dataclass(frozen=True)
class FivekPhoto:
    """A photo of FiveK.

    Attributes:
        name: As published, ``"a0001-jmac_DSC1459"``.
        licence: Path of the licence that covers it, relative to the host's folder.
    """

    name: str
    licence: str

    @property
    def id(self) -> str:
        """The photo's id, ``"a0001"`` to ``"a5000"``; splits go by it."""
        return photo_id(self.name)


def photo_id(name: str) -> str:
    """The FiveK id that a file's name starts with: ``"a0001"`` of ``"a0001-jmac_DSC1459"``.

    Raises:
        DataError: If there is none.
    """
    match = _ID.match(name)
    if match is None:
        raise DataError(f"{name}: a FiveK name starts with a and four digits, as in a0001")
    return match[0]


def read_index(folder: Path, host: FivekHost | None = None) -> list[FivekPhoto]:
    """The photos that the lists of names in ``folder`` tell of, in the order of their ids.

    Args:
        folder: What was downloaded into; the lists lie at the host's paths.
        host: Where the files come from.

    Raises:
        DataError: If a list is missing, a line is no name, or an id occurs twice.
    """
    photos: dict[str, FivekPhoto] = {}
    for licence, names in (host or FivekHost()).licences:
        for photo in _read_names(folder / names, licence):
            if photo.id in photos:
                raise DataError(f"{folder / names}: {photo.id} is listed twice")
            photos[photo.id] = photo
    return [photos[key] for key in sorted(photos)]


def _read_names(path: Path, licence: str) -> Iterable[FivekPhoto]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not a list of names") from error
    for number, line in enumerate(lines, start=1):
        name = line.strip()
        if not name:
            continue
        if _NAME.fullmatch(name) is None:
            raise DataError(f"{path}, line {number}: {name[:60]!r} is no name of a FiveK photo")
        yield FivekPhoto(name=name, licence=licence)


def parse_ids(text: str) -> list[str]:
    """The FiveK ids of a range such as ``"1-700,a1384,4501-"``, sorted, each once.

    Raises:
        ValueError: For anything else, a number outside 1 to 5000, or a range that runs backwards.
    """
    numbers: set[int] = set()
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None or not (match["first"] or match["last"]):
            raise ValueError(f"ids must be like 1-700,a1384,4501-, received {text!r}")
        first = int(match["first"] or 1)
        last = int(match["last"] or LAST_NUMBER) if match["to"] else first
        if not 1 <= first <= last <= LAST_NUMBER:
            raise ValueError(f"ids must rise within 1-{LAST_NUMBER}, received {part.strip()!r}")
        numbers.update(range(first, last + 1))
    return [f"a{number:04d}" for number in sorted(numbers)]


def select_files(
    photos: Sequence[FivekPhoto],
    renditions: Sequence[str],
    ids: Collection[str] | None = None,
    host: FivekHost | None = None,
) -> list[RemoteFile]:
    """The files of the asked-for pictures, photo by photo, so that early photos are whole first.

    Args:
        photos: The index.
        renditions: ``"input"`` and experts' letters.
        ids: Which photos; all without it.
        host: Where the files come from.

    Raises:
        ValueError: For an unknown rendition, or an id that is not in the index.
    """
    host = host or FivekHost()
    unknown = sorted(set(ids or ()) - {photo.id for photo in photos})
    if unknown:
        raise ValueError(f"ids must be in the index, received {', '.join(unknown[:5])}")
    return [
        host.rendition(photo.name, rendition)
        for photo in photos
        if ids is None or photo.id in ids
        for rendition in dict.fromkeys(renditions)
    ]
