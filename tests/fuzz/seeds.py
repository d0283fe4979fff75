"""Small sound files for the fuzz targets to start from.

    PYTHONPATH=tests:tests/photo python tests/fuzz/seeds.py FOLDER

writes ``FOLDER/photo``, ``FOLDER/jpeg``, ``FOLDER/bundle`` and ``FOLDER/grid``. The examples and
the bundle of the package are no good start: a fuzzer cuts what is longer than its limit, which
leaves no sound file, and their photos have more pixels than ``fuzz_photo.py`` reads.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from photo_mutations import FORMATS, originals
from photo_samples import pillow_file, random_photo
from PIL import Image

from fivefold.export.grid_file import pack_grid
from fivefold.kernels import BilateralGrid
from fivefold.kernels.grid import Guide
from fivefold.runtime.bundle import write_bundle
from tiny_bundle import FACTS, make_network

GRID = BilateralGrid.identity(3, 2, 2)


def seeds() -> Iterator[tuple[str, bytes]]:
    """Names and contents, but for the bundle."""
    for file_format in FORMATS:
        for i, content in enumerate(originals(file_format)):
            yield f"photo/{i}.{file_format.lower()}", content
    for subsampling in range(3):
        for options in ({}, {"restart_marker_rows": 1}, {"optimize": True}):
            image = Image.fromarray(random_photo((150, 60)).pixels)
            coded = pillow_file(image, "JPEG", subsampling=subsampling, quality=50, **options)
            yield f"jpeg/{subsampling}{''.join(options)}.jpg", coded
    yield "grid/identity.grid", pack_grid(GRID)


def main(folder: Path) -> None:
    """Write all of them."""
    for name in ("photo", "jpeg", "bundle", "grid"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, content in seeds():
        (folder / name).write_bytes(content)
    network = make_network(GRID.coefficients)
    write_bundle(folder / "bundle/tiny.fivefold", network=network, guide=Guide.identity(), **FACTS)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
