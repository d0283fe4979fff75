"""What a bundle says about itself, checked before anything else in it is believed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from fivefold.runtime import strict_json

FORMAT_VERSION = 1
INPUT_SIZE_PX = 256

_NAME = r"[a-z0-9][a-z0-9_.-]{0,63}"
_HEX_DIGITS = frozenset("0123456789abcdef")


class ManifestVersionError(ValueError):
    """The manifest follows a format that this version does not know."""


@dataclass(frozen=True, slots=True)
class Part:
    """How a part of the bundle must look.

    Attributes:
        sha256: Its SHA-256, in hexadecimal.
        size_bytes: Its length.
    """

    sha256: str
    size_bytes: int

    def __post_init__(self) -> None:
        digest = self.sha256
        if not isinstance(digest, str) or len(digest) != 64 or not _HEX_DIGITS.issuperset(digest):
            raise ValueError("a hash is not a SHA-256")
        if type(self.size_bytes) is not int or self.size_bytes < 0:
            raise ValueError("a size is not a number of bytes")

    @staticmethod
    def of(content: bytes) -> Part:
        """The entry that describes ``content``."""
        import hashlib  # loads OpenSSL, and a bundle of this package needs none

        return Part(hashlib.sha256(content).hexdigest(), len(content))


@dataclass(frozen=True, slots=True)
class Manifest:
    """The facts about a bundle.

    Attributes:
        name: What users call it (``consensus``): lower-case letters, digits, ``_``, ``.``, ``-``.
        preset: The network's configuration (``paper``).
        licence: What the weights may be used for, one line.
        created_by: The program and version that wrote the bundle.
        training: Free facts about how the weights came about; JSON values.
        parts: File name in the archive -> size and hash, for every part but the manifest.
        styles: Names of the retouchers whose grids the network predicts, in their order; none for
            a network of a single grid, which goes by the name of the bundle.
        input_size_px: Side of the square thumbnail that the network takes.
        format_version: Version of the bundle format.

    Raises:
        ValueError: For a value that cannot be right, named in the message.
    """

    name: str
    preset: str
    licence: str
    created_by: str
    training: Mapping[str, object] = field(default_factory=dict)
    parts: Mapping[str, Part] = field(default_factory=dict)
    styles: tuple[str, ...] = ()
    input_size_px: int = INPUT_SIZE_PX
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        for name in (self.name, *self.styles):
            if not isinstance(name, str) or not re.fullmatch(_NAME, name):
                raise ValueError(
                    "name must be up to 64 lower-case letters, digits, '_', '.' and '-', "
                    f"received {name!r}"
                )
        if len(set(self.styles)) != len(self.styles):
            raise ValueError(f"styles must differ, received {', '.join(self.styles)}")
        for key in ("preset", "licence", "created_by"):
            value = getattr(self, key)
            # Printed as it is: escape sequences must not reach a terminal.
            if not isinstance(value, str) or not value or not value.isprintable():
                raise ValueError(f"{key} must be one line of text, received {value!r}")
        if not isinstance(self.training, Mapping):
            raise ValueError(f"training must be a mapping, received {self.training!r}")
        if self.input_size_px != INPUT_SIZE_PX:
            raise ValueError(f"input_size_px must be {INPUT_SIZE_PX}, not {self.input_size_px!r}")

    @property
    def grids(self) -> int:
        """Grids that the network predicts for a photo."""
        return max(1, len(self.styles))

    def as_dict(self) -> dict[str, object]:
        """The manifest as JSON values; ``styles`` only where there are some."""
        styles: dict[str, object] = {"styles": list(self.styles)} if self.styles else {}
        return {
            **styles,
            "format_version": self.format_version,
            "name": self.name,
            "preset": self.preset,
            "licence": self.licence,
            "created_by": self.created_by,
            "input_size_px": self.input_size_px,
            "training": dict(self.training),
            "parts": {
                name: {"sha256": part.sha256, "size_bytes": part.size_bytes}
                for name, part in self.parts.items()
            },
        }

    def to_json(self) -> bytes:
        """The manifest as it stands in the bundle.

        Raises:
            TypeError: If a training fact is no JSON value.
            ValueError: If a training fact is not finite.
        """
        return strict_json.dump(self.as_dict())

    @staticmethod
    def from_json(content: bytes) -> Manifest:
        """Read and check what :meth:`to_json` wrote.

        Raises:
            ManifestVersionError: If the format is newer than this version knows.
            ValueError: If anything in it is not as it must be.
        """
        values = strict_json.parse(content)
        if not isinstance(values, dict):
            raise ValueError("the manifest is not a JSON object")
        version = values.pop("format_version", None)
        if type(version) is not int or version < 1:
            raise ValueError(f"format_version {version!r} is not a version")
        if version > FORMAT_VERSION:
            raise ManifestVersionError(f"{version}")
        parts = values.pop("parts", None)
        if not isinstance(parts, dict) or not all(isinstance(p, dict) for p in parts.values()):
            raise ValueError("the manifest lists no parts")
        try:
            known = {name: Part(**entry) for name, entry in parts.items()}
            styles = values.pop("styles", [])
            if not isinstance(styles, list):
                raise ValueError(f"styles must be a list, received {styles!r}")
            return Manifest(parts=known, styles=tuple(styles), **values)
        except TypeError as error:  # a key too many or too few
            raise ValueError(f"the manifest has wrong keys ({error})") from error
