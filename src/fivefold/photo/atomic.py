"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # on Windows, where an open file cannot be removed anyway
    fcntl = None  # type: ignore[assignment]

PARTIAL_SUFFIX = ".fivefold-part"


def write_atomically(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Write a file through a temporary one beside it, which then takes its name.

    A file that was there keeps its permissions, and is intact if anything fails; the temporary
    file is then removed. Only a killed process can leave one, named ``.….fivefold-part``, which
    :func:`remove_leftovers` finds. A symbolic link stays, and what it points to is replaced.
    Devices and pipes are written directly.

    Raises:
        OSError: If the folder is missing or not writable, the file write-protected, or the disk
            full.
    """
    path = Path(os.path.realpath(path))
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        with path.open("wb") as device:
            device.writelines(parts)
        return
    effective = os.access in os.supports_effective_ids
    if mode is not None and not os.access(path, os.W_OK, effective_ids=effective):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    partial = path.with_name(f".{os.urandom(8).hex()}{PARTIAL_SUFFIX}")
    try:
        with partial.open("xb") as file:
            _lock(file)
            file.writelines(parts)
            if mode is not None:
                # The original must not be lost to a power cut between data and name.
                file.flush()
                os.fsync(file.fileno())
        if mode is not None:
            partial.chmod(stat.S_IMODE(mode))
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of processes that were killed while writing to ``folder``.

    Those that are being written, by whichever process, stay.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        leftovers = [entry.path for entry in entries if entry.name.endswith(PARTIAL_SUFFIX)]
        for leftover in map(Path, leftovers):
            with contextlib.suppress(OSError):  # in use, or already removed
                with leftover.open("rb") as file:
                    _lock(file, strictly=True)
                leftover.unlink()


def _lock(file: BinaryIO, *, strictly: bool = False) -> None:
    """Claim a file until it is closed; a kill gives it up.

    Raises:
        OSError: If another process has it, or ``strictly`` and the file system has no locks.
    """
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        if strictly:
            raise
