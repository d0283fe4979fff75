"""What a file is like at a moment, so that a later look tells whether it has changed."""

from __future__ import annotations

import os
from typing import NamedTuple, Self

_COARSEST_MTIME_NS = 2_000_000_000  # of FAT, which memory cards have


class FileState(NamedTuple):
    """What tells one version of a file from another.

    The inode is no part of it: some network file systems make it up anew each time.

    Attributes:
        size_bytes: Its length.
        mtime_ns: When it was last written, in nanoseconds since 1970.
    """

    size_bytes: int
    mtime_ns: int

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> Self:
        """The state of a file, or of what a link points to.

        Raises:
            OSError: If it is not there, or may not be asked.
        """
        status = os.stat(path)  # noqa: PTH116, also for what the caller has as text
        return cls(status.st_size, status.st_mtime_ns)

    def agrees(self, other: FileState) -> bool:
        """Whether both are of one version; file systems keep times to 2 s and better."""
        return (
            self.size_bytes == other.size_bytes
            and abs(self.mtime_ns - other.mtime_ns) <= _COARSEST_MTIME_NS
        )
