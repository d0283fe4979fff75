"""``python -m fivefold`` is the command ``fivefold``."""

from __future__ import annotations

import contextlib
import gc
import os
import sys

from fivefold.cli import main


def program() -> None:
    """Run this process's command line, and end the process with its exit code.

    ``enhance`` takes hardly longer than Python's own start and end, so that these count.
    """
    if sys.argv[1:2] != ["enhance"]:
        sys.exit(main())
    # The photos are shared out among threads already; OpenBLAS would start others, with 30 MB for
    # each, when NumPy is loaded.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Loading modules makes many objects and no garbage to look for.
    gc.set_threshold(100_000, 20, 20)
    # One thread loads the model; another that is about to decode, or has decoded, gets its turn at
    # once and not after 5 ms.
    sys.setswitchinterval(0.0001)
    code = main()
    # Everything is written, and nothing is gained by taking the modules apart one by one.
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # closed, as by ">&-"
            with contextlib.suppress(OSError):
                stream.flush()
    os._exit(code)


if __name__ == "__main__":
    program()
