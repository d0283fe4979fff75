"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Sequence
from pathlib import Path

PARTIAL_SUFFIX = ".fivefold-part"


def write_atomically(path: Path, parts: Sequence[bytes | memoryview]) -> None:
    """Write a file through a temporary one beside it, which then takes its name.

    A file that was there keeps its permissions, and is intact if anything fails; the temporary
    file is then removed. Only a killed process can leave one, named ``.….fivefold-part``. A
    symbolic link stays, and what it points to is replaced. Devices and pipes are written directly.

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
    partial = path.with_name(f".{secrets.token_hex(8)}{PARTIAL_SUFFIX}")
    try:
        with partial.open("xb") as file:
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
