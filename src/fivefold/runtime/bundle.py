"""One file with everything that enhances a photo: network, guide, facts about both, hashes.

A bundle (``NAME.fivefold``) is a ZIP archive whose parts are stored uncompressed::

    manifest.json   what the bundle is; size and SHA-256 of every other part
    network.onnx    thumbnail -> grid
    guide.json      the arrays of fivefold.kernels.grid.Guide
    MODEL_CARD.md   what the network learned from, how good it is, what it may be used for

It holds data only: nothing in it is unpacked to disk, unpickled or run as Python. Whatever is not
exactly this is refused, before memory is taken for it.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from fivefold.errors import BundleDamagedError, BundleError, BundleFormatError
from fivefold.kernels.grid import Guide
from fivefold.photo.atomic import write_atomically
from fivefold.runtime import strict_json
from fivefold.runtime.manifest import FORMAT_VERSION, Manifest, ManifestVersionError, Part
from fivefold.runtime.stored_parts import stored_parts
from fivefold.version import VERSION

if TYPE_CHECKING:
    import zipfile

SUFFIX = ".fivefold"

_MANIFEST = "manifest.json"
_NETWORK = "network.onnx"
_GUIDE = "guide.json"
_CARD = "MODEL_CARD.md"

_MIB = 1 << 20
_LIMITS_BYTES = {_MANIFEST: _MIB, _NETWORK: 256 * _MIB, _GUIDE: _MIB, _CARD: _MIB}
_LIMIT_ARCHIVE_BYTES = sum(_LIMITS_BYTES.values()) + _MIB

_EARLIEST_DATE = (1980, 1, 1, 0, 0, 0)  # of every part, so that equal contents give equal bytes

_ZIP_ERRORS = (  # besides zipfile's own
    NotImplementedError,  # a feature that stored parts never use
    RuntimeError,  # encrypted
    EOFError,
    OSError,  # an offset outside the archive
    OverflowError,
    ValueError,
    struct.error,
)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle in memory, checked.

    Attributes:
        manifest: The facts.
        network: An ONNX model: input ``thumbnail``, ``float32 (1, 3, 256, 256)``, sRGB in 0…1;
            output ``grid``, ``float32 (styles, 12, 8, 16, 16)``.
        guide: What slices the grid.
        card: The model card, Markdown.
        source: Where it was read from, for messages.
    """

    manifest: Manifest
    network: bytes
    guide: Guide
    card: str
    source: str = "bundle"

    @staticmethod
    def read(source: str | os.PathLike[str] | BinaryIO, *, is_installed: bool = False) -> Bundle:
        """Read a bundle and check every byte that matters.

        Args:
            source: A path, or a binary file that is read from where it stands.
            is_installed: Whether it came with this package. Then what installed the package has
                compared the hash of the file, so that checksums do for what may have happened to
                it since; hashes load OpenSSL, which takes longer than all else here, and 4 MB.

        Raises:
            BundleError: If the file cannot be read.
            BundleDamagedError: If it is no bundle, was truncated or changed, or holds nonsense.
            BundleFormatError: If a newer fivefold wrote it, or it holds parts unknown to this one.
        """
        name = _name_of(source)
        parts = _read_as_written(source, name)
        if parts is not None:
            return _bundle_of(parts, parts.__getitem__, name, compare_hashes=not is_installed)
        import zipfile

        content = _read_limited(source, name)
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                return _read_archive(archive, name)
        except (zipfile.BadZipFile, *_ZIP_ERRORS) as error:
            if not zipfile.is_zipfile(io.BytesIO(content)):
                whole = content[:4] == b"PK\x03\x04"
                reason = "truncated" if whole else "not a fivefold bundle"
            else:
                reason = f"damaged ({_one_line(error)})"
            raise BundleDamagedError(f"{name}: {reason}") from error


def write_bundle(
    path: str | os.PathLike[str],
    *,
    name: str,
    preset: str,
    licence: str,
    network: bytes,
    guide: Guide,
    card: str,
    styles: Sequence[str] = (),
    training: Mapping[str, object] | None = None,
) -> Manifest:
    """Write a bundle; the file appears whole or not at all.

    The same arguments give the same bytes.

    Args:
        path: Where to; an existing file is replaced.
        name: What users call the bundle (``consensus``).
        preset: The network's configuration (``paper``).
        licence: What the weights may be used for, one line.
        network: The ONNX model, see :class:`Bundle`.
        guide: The guide that was trained with it.
        card: The model card, Markdown.
        styles: Names of the grids that the network predicts, where it predicts several.
        training: Facts about how the weights came about; JSON values, finite.

    Returns:
        The manifest as written.

    Raises:
        ValueError: If a fact is not what :class:`Manifest` asks for, or a part is too large.
        TypeError: If a training fact is no JSON value.
        BundleError: If the file cannot be written.
    """
    import zipfile

    contents = {
        _NETWORK: network,
        _GUIDE: _guide_to_json(guide),
        _CARD: card.encode(),
    }
    manifest = Manifest(
        name=name,
        preset=preset,
        licence=licence,
        created_by=f"fivefold {VERSION}",
        training=dict(training or {}),
        styles=tuple(styles),
        parts={part: Part.of(content) for part, content in contents.items()},
    )
    contents = {_MANIFEST: manifest.to_json(), **contents}
    for part, content in contents.items():
        if len(content) > _LIMITS_BYTES[part]:
            raise ValueError(
                f"{part} may have {_LIMITS_BYTES[part]} bytes at most, received {len(content)}"
            )
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as zipped:
        for part, content in contents.items():
            zipped.writestr(zipfile.ZipInfo(part, _EARLIEST_DATE), content)
    try:
        write_atomically(Path(path), [archive.getbuffer()])
    except OSError as error:
        raise BundleError(f"{path}: cannot be written: {error.strerror or error}") from error
    return manifest


def _name_of(source: str | os.PathLike[str] | BinaryIO) -> str:
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "bundle"


def _read_as_written(
    source: str | os.PathLike[str] | BinaryIO, name: str
) -> dict[str, bytes] | None:
    """The parts of a file that is as :func:`write_bundle` writes it; ``None`` of any other."""
    if not isinstance(source, str | os.PathLike):
        return None
    try:
        with Path(source).open("rb") as file:
            return stored_parts(file, _LIMITS_BYTES)
    except OSError as error:
        raise BundleError(f"{name}: {error.strerror or error}") from error


def _read_limited(source: str | os.PathLike[str] | BinaryIO, name: str) -> bytes:
    """The file's bytes, no more than a bundle can have."""
    try:
        if isinstance(source, str | os.PathLike):
            with Path(source).open("rb") as file:
                content = file.read(_LIMIT_ARCHIVE_BYTES + 1)
        else:
            content = source.read(_LIMIT_ARCHIVE_BYTES + 1)
    except OSError as error:
        raise BundleError(f"{name}: {error.strerror or error}") from error
    if not content:
        raise BundleDamagedError(f"{name}: the file is empty")
    if len(content) > _LIMIT_ARCHIVE_BYTES:
        raise BundleDamagedError(f"{name}: too large for a fivefold bundle")
    return content


def _read_archive(archive: zipfile.ZipFile, name: str) -> Bundle:
    entries = {entry.filename: entry for entry in archive.infolist()}
    if len(entries) != len(archive.infolist()):
        raise BundleDamagedError(f"{name}: a part occurs twice")
    return _bundle_of(entries, lambda part: _read_part(archive, entries[part], name), name)


def _bundle_of(
    names: Collection[str],
    read: Callable[[str], bytes],
    name: str,
    *,
    compare_hashes: bool = True,
) -> Bundle:
    """Check the parts of an archive, of which ``read`` gives the bytes."""
    if _MANIFEST not in names:
        raise BundleDamagedError(f"{name}: not a fivefold bundle ({_MANIFEST} is missing)")
    manifest = _read_manifest(read(_MANIFEST), name)

    for part in names:
        if part not in _LIMITS_BYTES:
            raise BundleFormatError(f"{name}: holds a part unknown to this fivefold: {part!r}")
    for part in (_NETWORK, _GUIDE, _CARD):
        if part not in names:
            raise BundleDamagedError(f"{name}: {part} is missing")
    if manifest.parts.keys() != {_NETWORK, _GUIDE, _CARD}:
        raise BundleDamagedError(f"{name}: {_MANIFEST} lists other parts than a bundle has")

    contents = {}
    for part, expected in manifest.parts.items():
        contents[part] = content = read(part)
        if len(content) != expected.size_bytes or (compare_hashes and Part.of(content) != expected):
            raise BundleDamagedError(f"{name}: {part} does not match its hash")
    try:
        guide = _guide_from_json(contents[_GUIDE])
        card = contents[_CARD].decode()
    except ValueError as error:
        raise BundleDamagedError(f"{name}: {_GUIDE} or {_CARD}: {_one_line(error)}") from error
    return Bundle(manifest, contents[_NETWORK], guide, card, source=name)


def _read_manifest(content: bytes, name: str) -> Manifest:
    try:
        return Manifest.from_json(content)
    except ManifestVersionError as error:
        raise BundleFormatError(
            f"{name}: written by a newer fivefold (bundle format {error}, this one reads "
            f"{FORMAT_VERSION}); upgrade with: pip install -U fivefold"
        ) from error
    except ValueError as error:
        raise BundleDamagedError(f"{name}: {_MANIFEST}: {_one_line(error)}") from error


def _read_part(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> bytes:
    """One part, read only after its size is known to be sane: nothing here inflates."""
    if entry.compress_type != 0 or entry.compress_size != entry.file_size:
        raise BundleDamagedError(f"{name}: {entry.filename!r} is compressed")
    if entry.file_size > _LIMITS_BYTES[entry.filename]:
        raise BundleDamagedError(f"{name}: {entry.filename} is too large")
    return archive.read(entry)


def _guide_to_json(guide: Guide) -> bytes:
    values = {f.name: np.asarray(getattr(guide, f.name)).tolist() for f in fields(Guide)}
    return strict_json.dump(values)


def _guide_from_json(content: bytes) -> Guide:
    """The guide, exactly as written: float32 survives the way through decimal digits.

    Raises:
        ValueError: If an array is missing, of the wrong shape, or not finite.
    """
    values = strict_json.parse(content)
    names = [f.name for f in fields(Guide)]
    if not isinstance(values, dict) or sorted(values) != sorted(names):
        raise ValueError(f"the guide must have {', '.join(names)}")
    arrays = {}
    for name in names:
        numbers = np.asarray(values[name])  # ValueError when ragged
        if numbers.dtype.kind not in "iuf":
            raise ValueError(f"{name} must be numbers")
        arrays[name] = numbers
    bias = arrays.pop("bias")
    if bias.ndim:
        raise ValueError(f"bias must be one number, received shape {bias.shape}")
    with np.errstate(over="ignore"):  # an overflow becomes infinite, which Guide refuses
        return Guide(
            **{name: numbers.astype(np.float32) for name, numbers in arrays.items()},
            bias=float(bias),
        )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
