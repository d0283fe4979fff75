"""Folders that results go to, made where they are missing."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, unless it is there.

    Raises:
        NotADirectoryError: If a file stands in its place or above it; it names the file.
        OSError: If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        # What cannot be looked up, as below a file, is not there: the first that is, is the file.
        in_the_way = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
        reason = "is a file, not a folder"
        raise NotADirectoryError(errno.ENOTDIR, reason, str(in_the_way)) from error
