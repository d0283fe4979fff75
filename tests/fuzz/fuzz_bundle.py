"""A fuzz target for the reader of bundles; needs atheris, and stops at the first surprise.

    python tests/fuzz/fuzz_bundle.py CORPUS -max_total_time=600

``CORPUS`` is a folder of bundles to start from. Anything but a bundle or a ``BundleError`` is a
finding; atheris keeps the input that led to it.
"""

from __future__ import annotations

import contextlib
import io
import sys

import atheris

with atheris.instrument_imports(include=["fivefold.runtime.bundle", "fivefold.runtime.manifest"]):
    from fivefold.errors import BundleError
    from fivefold.runtime.bundle import Bundle


def read(data: bytes) -> None:
    """Read an input as a bundle."""
    with contextlib.suppress(BundleError):
        Bundle.read(io.BytesIO(data))


if __name__ == "__main__":
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()
