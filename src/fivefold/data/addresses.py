"""Sets that lie in an object store, as paths that read like local ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from fivefold.errors import DataError, MissingExtraError


def data_path(name: str) -> Path:
    """A path, or an address such as ``s3://bucket/set`` as something that reads like a path.

    Args:
        name: As people write it.

    Raises:
        DataError: If nothing is known about such addresses.
        MissingExtraError: If what opens them is not installed.
    """
    if "://" not in name:
        return Path(name)
    scheme = name.partition("://")[0]
    extra = {"gs": "gcs", "gcs": "gcs", "http": "http", "https": "http"}.get(scheme, "s3")
    try:
        from upath import UPath

        path: Any = UPath(name)
        path.fs  # noqa: B018, asks for what opens such addresses
    except ImportError as error:
        raise MissingExtraError(f"what opens {scheme}:// addresses", extra) from error
    except ValueError as error:
        raise DataError(f"{name}: {error}") from error
    return cast(Path, path)


def is_remote(path: Path) -> bool:
    """Whether a path of :func:`data_path` is an address."""
    return not isinstance(path, Path)
