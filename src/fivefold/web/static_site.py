"""The models of the static edition: what its page runs the network from.

::

    python -m fivefold.web.static_site DIR [--bundle B ...]

writes ``DIR/models/models.json``, and an ONNX file and a model card for each bundle, next to the
page that ``npm run build:static`` built. ``make static-site`` does both.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fivefold.errors import FivefoldError
from fivefold.runtime.bundle import Bundle
from fivefold.runtime.enhancer import find_bundle
from fivefold.web.serve import offered_bundles


def write_models(folder: Path, bundles: Sequence[Bundle]) -> list[Path]:
    """Write networks and guides where the page looks for them.

    Args:
        folder: The site; ``models`` is made in it.
        bundles: What to offer, the default first.

    Returns:
        The files written.

    Raises:
        ValueError: If two bundles have one name, or there is none.
        OSError: If a file cannot be written.
    """
    names = [bundle.manifest.name for bundle in bundles]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"bundles must have different names, received {names}")
    target = folder / "models"
    target.mkdir(parents=True, exist_ok=True)
    models = []
    written: list[Path] = []
    for bundle in bundles:
        path = target / f"{bundle.manifest.name}.onnx"
        path.write_bytes(bundle.network)
        card = path.with_suffix(".md")  # what the weights may be used for goes where they go
        card.write_text(bundle.card, encoding="utf-8")
        written += [path, card]
        guide = {
            field.name: np.asarray(getattr(bundle.guide, field.name)).tolist()
            for field in dataclasses.fields(bundle.guide)
        }
        models += [
            {
                "name": style,
                "licence": bundle.manifest.licence,
                "network": path.name,
                "grid": number,
                "guide": guide,
            }
            for number, style in enumerate(bundle.manifest.styles or (bundle.manifest.name,))
        ]
    index = target / "models.json"
    index.write_text(json.dumps({"models": models}), encoding="utf-8")
    return [*written, index]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; see the top of this file.

    Returns:
        0, or 1 if a bundle cannot be read or a file not be written.
    """
    parser = argparse.ArgumentParser(prog="python -m fivefold.web.static_site")
    parser.add_argument("folder", type=Path, metavar="DIR", help="the site")
    parser.add_argument("--bundle", action="append", metavar="B", help="model; may be repeated")
    options = parser.parse_args(arguments)
    try:
        names = offered_bundles(options.bundle)
        write_models(options.folder, [Bundle.read(find_bundle(name)) for name in names])
    except (FivefoldError, OSError, ValueError) as error:
        sys.stderr.write(f"fivefold: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
