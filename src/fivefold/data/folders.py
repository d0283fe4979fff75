"""Folders of pictures as people have them: which file is whose version of which photo."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fivefold.data.fivek import EXPERTS, INPUT
from fivefold.errors import DataError
from fivefold.photo.formats import KNOWN_SUFFIXES

PICTURE_SUFFIXES = frozenset({*KNOWN_SUFFIXES, ".dng"})

_REST = r"(?:[ _.-].*)?"  # expertC_480p, raw_photos
_EXPERT = re.compile(
    rf"(?:tiff(?:8|16)?|experts?|exp|retoucher|target|style)[ _.-]*([a-e]){_REST}|([a-e])"
)
_INPUT = re.compile(
    rf"input.*|(?:originals?|raws?|dngs?|sources?|default|unprocessed|zeroed){_REST}"
)
_BEFORE = re.compile(rf"(?:before|low|lq|unedited|untouched|un-?retouched){_REST}|{_INPUT.pattern}")
_AFTER = re.compile(
    rf"(?:after|targets?|outputs?|edited|edits?|retouched|finished|high|hq|gt|ground_?truth"
    rf"|references?|labels?){_REST}|{_EXPERT.pattern}"
)
_FIVEK_ID = re.compile(r"a\d{4}(?!\d)")


@dataclass
class Renditions:
    """The pictures found in a folder, by photo.

    Attributes:
        photos: By photo id, then by role: ``"input"`` or an expert's letter.
        ambiguous: A line for each role of a photo that several files claim; none of them counts.
        unplaced: Pictures in folders that name no role.
    """

    photos: dict[str, dict[str, Path]] = field(default_factory=dict)
    ambiguous: list[str] = field(default_factory=list)
    unplaced: list[Path] = field(default_factory=list)

    def without_input(self) -> list[str]:
        """The ids of photos of which only experts' versions were found."""
        return [photo_id for photo_id, roles in self.photos.items() if INPUT not in roles]


@dataclass(frozen=True)
class Matching:
    """Two folders, matched by the names of their files.

    Attributes:
        pairs: By name without its ending: the picture before, and the one after.
        unmatched: Pictures without a partner.
        ambiguous: A line for each name that several pictures of one folder share.
    """

    pairs: dict[str, tuple[Path, Path]]
    unmatched: list[Path]
    ambiguous: list[str]


def role_of(folder_name: str) -> str | None:
    """Whose pictures a folder holds: ``"input"``, an expert's letter, or ``None`` for no telling.

    ``expertC``, ``expert_c``, ``Expert C``, ``tiff16_c``, ``target_c`` and ``C`` are expert C;
    ``input``, ``InputAsShotZeroed``, ``original``, ``raw_photos`` and ``dng`` are the input.
    """
    name = folder_name.casefold()
    expert = _EXPERT.fullmatch(name)
    if expert is not None:
        return expert[1] or expert[2]
    return INPUT if _INPUT.fullmatch(name) else None


def find_renditions(root: Path, folders: Mapping[str, Path] | None = None) -> Renditions:
    """Find the input and the experts' versions of each photo.

    The nearest folder above a file whose name tells a role decides, so that ``expertC/Export`` and
    ``expertC/JPG/480p`` are expert C. A DNG is an input wherever it lies. A photo's id is the FiveK
    id that its file's name starts with, or else the name without its ending.

    Args:
        root: The folder; all folders in it are searched, hidden ones apart.
        folders: Where to look for each role instead, relative to ``root``; for sets that hold
            several versions of everything.

    Raises:
        DataError: If a folder is missing.
        ValueError: For a role that is none.
    """
    unknown = sorted(set(folders or ()) - {INPUT, *EXPERTS})
    if unknown:
        raise ValueError(f"roles must be {INPUT} or among {EXPERTS}, received {unknown}")
    found = Renditions()
    doubled: dict[tuple[str, str], list[Path]] = {}
    for path, role in _placed(root, folders):
        if role is None:
            found.unplaced.append(path)
            continue
        key = photo_key(path)
        roles = found.photos.setdefault(key, {})
        if role in roles or (key, role) in doubled:
            doubled.setdefault((key, role), []).append(roles.pop(role, path))
            doubled[key, role].append(path)
        else:
            roles[role] = path
    for (key, role), paths in sorted(doubled.items()):
        names = ", ".join(str(p.relative_to(root)) for p in dict.fromkeys(paths))
        found.ambiguous.append(f"{key}: several files for {role}: {names}")
    found.photos = {key: found.photos[key] for key in sorted(found.photos)}
    return found


def photo_key(path: Path) -> str:
    """The id of the photo that a file shows."""
    fivek = _FIVEK_ID.match(path.stem)
    return fivek[0] if fivek else path.stem


def match_folders(before: Path, after: Path) -> Matching:
    """Match two folders by the paths of their pictures, without endings, in any letter case.

    Raises:
        DataError: If a folder is missing.
    """
    befores, afters = _by_name(before), _by_name(after)
    matching = Matching({}, [], [])
    for name in sorted({*befores, *afters}):
        firsts, seconds = befores.get(name, []), afters.get(name, [])
        if len(firsts) > 1 or len(seconds) > 1:
            files = ", ".join(str(path) for path in [*firsts, *seconds])
            matching.ambiguous.append(f"{name}: several files: {files}")
        elif firsts and seconds:
            shown = firsts[0].relative_to(before).with_suffix("").as_posix()
            matching.pairs[shown] = (firsts[0], seconds[0])
        else:
            matching.unmatched.extend([*firsts, *seconds])
    return matching


def _by_name(folder: Path) -> dict[str, list[Path]]:
    """The pictures of a folder by path without ending, in lower case."""
    by_name: dict[str, list[Path]] = {}
    for path in pictures_in(folder):
        name = path.relative_to(folder).with_suffix("").as_posix().casefold()
        by_name.setdefault(name, []).append(path)
    return by_name


def find_before_after(root: Path) -> tuple[Path, Path]:
    """The two folders in ``root`` that hold pictures before and after, by their names.

    ``before``/``after``, ``input``/``target``, ``raw``/``edited``, ``low``/``high``,
    ``input``/``expertC`` and their like.

    Raises:
        DataError: If there is not exactly one of each.
    """
    try:
        names = sorted(path.name for path in root.iterdir() if path.is_dir())
    except OSError as error:
        raise DataError(f"{root}: {error.strerror}") from error
    before = [name for name in names if _BEFORE.fullmatch(name.casefold())]
    after = [name for name in names if _AFTER.fullmatch(name.casefold())]
    if len(before) != 1 or len(after) != 1:
        raise DataError(
            f"{root}: cannot tell which folder holds the pictures before and which those after; "
            f"found {', '.join(names) or 'no folder'}"
        )
    return root / before[0], root / after[0]


def pictures_in(folder: Path) -> Iterator[Path]:
    """All pictures in a folder and those within it, sorted, hidden ones apart.

    Raises:
        DataError: If the folder is missing.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: is no folder")
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.suffix.lower() in PICTURE_SUFFIXES and path.is_file():
            yield path


def _placed(root: Path, folders: Mapping[str, Path] | None) -> Iterator[tuple[Path, str | None]]:
    if folders is not None:
        for role, folder in folders.items():
            for path in pictures_in(root / folder):
                yield path, role
        return
    for path in pictures_in(root):
        if path.suffix.lower() == ".dng":
            yield path, INPUT
            continue
        parents = reversed(path.relative_to(root).parts[:-1])
        yield path, next((role for role in map(role_of, parents) if role is not None), None)
