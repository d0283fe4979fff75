"""Files wherever fsspec finds them: listed, read, and written whole or not at all."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fivefold.errors import FivefoldError, MissingExtraError, PhotoReadError, PhotoWriteError
from fivefold.photo.atomic import PARTIAL_SUFFIX, write_atomically
from fivefold.photo.files import one_line
from fivefold.photo.limits import MAX_FILE_BYTES

_EXTRAS = {
    "s3": "s3",
    "s3a": "s3",
    "gs": "gcs",
    "gcs": "gcs",
    "http": "http",
    "https": "http",
}
# An upload to these is seen whole or not at all, under its own name from the start.
_OBJECT_STORES = frozenset(
    ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oci", "oss", "memory")
)
_READ_ONLY = frozenset(("http", "https"))


@dataclass(frozen=True, slots=True)
class Listed:
    """A file in a listing.

    Attributes:
        address: What opens it.
        size_bytes: Its size; -1 where the listing does not say.
        version: Changes whenever the content does: the store's tag, or the time of the last change,
            with the size. Empty where the listing says neither.
    """

    address: str
    size_bytes: int
    version: str


def is_address(name: str) -> bool:
    """Whether a name is an address such as ``s3://bucket/photo.jpg``, and not a local path."""
    scheme, separator, _ = name.partition("://")
    return bool(separator) and scheme.replace("+", "").replace("-", "").isalnum()


def scheme_of(name: str) -> str:
    """``s3`` of ``s3://…``; ``file`` of a local path."""
    return name.partition("://")[0].lower() if is_address(name) else "file"


def is_read_only(name: str) -> bool:
    """Whether nothing can be written there."""
    return scheme_of(name) in _READ_ONLY


def joined(folder: str, relative: str) -> str:
    """The address of something below a folder."""
    return f"{folder.rstrip('/')}/{relative}"


def absolute(name: str) -> str:
    """The same place in one spelling, as other processes and machines have to name it."""
    filesystem, path = open_filesystem(name)
    if scheme_of(name) in _READ_ONLY:
        return name
    if scheme_of(name) == "file":
        return str(path)
    return str(filesystem.unstrip_protocol(path))


def open_filesystem(name: str) -> tuple[Any, str]:
    """The filesystem that a name is in, and its path there.

    Raises:
        ValueError: For a scheme that fsspec does not know.
        MissingExtraError: If what opens such addresses is not installed.
    """
    try:
        import fsspec.core
    except ImportError as error:
        raise MissingExtraError("fsspec", "s3") from error
    try:
        filesystem, path = fsspec.core.url_to_fs(name)
    except ImportError as error:
        scheme = scheme_of(name)
        if scheme not in _EXTRAS:
            raise FivefoldError(f"{one_line(name)}: {one_line(str(error))}") from error
        raise MissingExtraError(f"what opens {scheme}:// addresses", _EXTRAS[scheme]) from error
    except ValueError as error:
        raise ValueError(f"{one_line(name)}: {one_line(str(error))}") from error
    return filesystem, str(path)


def list_files(name: str) -> list[Listed]:
    """The files below a folder, those in folders below it too, sorted; a file lists itself.

    Args:
        name: A folder, a file, or a pattern (``*``, ``?``, ``[…]``, ``**``).

    Returns:
        None where there is nothing of this name.

    Raises:
        PhotoReadError: If the store cannot be asked.
    """
    filesystem, path = open_filesystem(name)
    try:
        filesystem.invalidate_cache()
        if any(letter in path for letter in "*?["):
            found = filesystem.glob(path, detail=True)
        else:
            found = filesystem.find(path, detail=True)
    except FileNotFoundError:
        return []
    except Exception as error:  # each filesystem has errors of its own
        raise PhotoReadError(f"{one_line(name)}: {_reason(error)}") from error
    files = (facts for facts in found.values() if facts.get("type") != "directory")
    return sorted((_listed(filesystem, name, facts) for facts in files), key=lambda f: f.address)


def read_file(address: str) -> bytes:
    """The bytes of a file.

    Raises:
        PhotoReadError: If it is missing, cannot be read or is larger than any photo.
    """
    filesystem, path = open_filesystem(address)
    try:
        content: bytes = filesystem.cat_file(path)
    except Exception as error:  # each filesystem has errors of its own
        raise PhotoReadError(f"{one_line(address)}: {_reason(error)}") from error
    if len(content) > MAX_FILE_BYTES:
        raise PhotoReadError(f"{one_line(address)}: larger than {MAX_FILE_BYTES >> 30} GiB")
    return content


def write_file(address: str, content: bytes, *, is_new: bool) -> None:
    """Write a file that is seen whole or not at all.

    In object stores one upload does it; elsewhere a temporary file beside it takes its name.

    Args:
        address: Where to.
        content: The bytes.
        is_new: Nothing was there when the work was planned. What is there now came from another
            attempt at the same work, and is left as it is, in one step where the store can.

    Raises:
        PhotoWriteError: If it cannot be written.
    """
    filesystem, path = open_filesystem(address)
    try:
        if scheme_of(address) == "file":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            write_atomically(Path(path), [content])
        elif scheme_of(address) in _OBJECT_STORES:
            _upload(filesystem, path, content, is_new=is_new)
        else:
            _write_then_rename(filesystem, path, content)
    except Exception as error:  # each filesystem has errors of its own
        raise PhotoWriteError(f"{one_line(address)}: {_reason(error)}") from error


def _upload(filesystem: Any, path: str, content: bytes, *, is_new: bool) -> None:
    if is_new:
        try:
            filesystem.pipe_file(path, content, mode="create")
        except FileExistsError:
            return
        except (NotImplementedError, TypeError):
            pass  # without conditional uploads the later of two equal files wins
        else:
            return
    filesystem.pipe_file(path, content)


def _write_then_rename(filesystem: Any, path: str, content: bytes) -> None:
    folder, _, _ = path.rpartition("/")
    partial = f"{folder}/.{secrets.token_hex(8)}{PARTIAL_SUFFIX}"
    filesystem.makedirs(folder, exist_ok=True)
    try:
        filesystem.pipe_file(partial, content)
        filesystem.mv(partial, path)
    except BaseException:
        if filesystem.exists(partial):
            filesystem.rm_file(partial)
        raise


def _listed(filesystem: Any, asked: str, facts: dict[str, Any]) -> Listed:
    path = facts["name"]
    local = scheme_of(asked) == "file"
    address = path if local or is_address(path) else filesystem.unstrip_protocol(path)
    size_bytes = -1 if facts.get("size") is None else int(facts["size"])
    mark = next(
        (
            str(facts[key])
            for key in ("ETag", "etag", "md5Hash", "mtime", "LastModified", "updated", "created")
            if facts.get(key) is not None
        ),
        "",
    )
    known = mark or size_bytes >= 0
    return Listed(str(address), size_bytes, f"{size_bytes} {mark}".strip() if known else "")


def _reason(error: Exception) -> str:
    """Why, in one line, of whatever a filesystem raised."""
    if isinstance(error, FileNotFoundError):
        return "no such file or folder"
    if isinstance(error, PermissionError):
        return "permission denied"
    if isinstance(error, OSError) and error.errno and error.strerror:
        return one_line(error.strerror).lower()
    text = str(error).strip() or type(error).__name__
    return one_line(text.splitlines()[0])


def local_version(path: Path) -> str:
    """The version of a local file, as :func:`list_files` gives it; empty where it is missing."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_size} {status.st_mtime}"
