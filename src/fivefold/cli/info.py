"""``fivefold info``: this installation, a photo or a bundle."""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path
from typing import Any

from fivefold.cli.console import one_line, print_json, say

_PACKAGES = ("numpy", "onnxruntime", "pillow", "simplejpeg", "imagecodecs", "tifffile")
_MOST_DIFFERENCE = 1e-4  # of a coefficient; rounding alone gives a hundredth of it
_EXAMPLES = """\
examples:
  fivefold info                  versions, engine, and the models that came with it
  fivefold info photo.jpg        what is known about a photo
  fivefold info look.fivefold    what is known about a model
  fivefold info consensus --verify   does its network run here as it should?
  fivefold info --runtime        which code photos take here: network, pixels, GPU
  fivefold info --json           for programs
"""


def add_parser(verbs: Any) -> argparse.ArgumentParser:
    """Describe the arguments."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "info",
        help="about this installation, a photo or a model",
        description="Tell about this installation, a photo or a model.",
        epilog=_EXAMPLES,
    )
    parser.add_argument("file", nargs="?", metavar="PHOTO|BUNDLE", help="by default, this program")
    parser.add_argument(
        "--verify",
        action="store_true",
        help="run a model's network by the compiled layers and by ONNX Runtime, and compare",
    )
    parser.add_argument(
        "--runtime",
        action="store_true",
        help="which code photos take here, with the default model or the one named",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    return parser


def run(options: argparse.Namespace) -> int:
    """Print what is known."""
    if options.runtime:
        if options.file is not None and not _is_bundle(options.file):
            options.parser.error("--runtime goes with a model, or alone")
        facts = _about_runtime(options.file)
    elif options.file is None:
        facts = _about_installation()
    elif _is_bundle(options.file):
        facts = _about_bundle(options.file, verify=options.verify)
    else:
        facts = _about_photo(options.file)
    if options.json:
        print_json(**facts)
    else:
        _print_facts(facts)
    difference = facts.get("largest_difference")
    if isinstance(difference, float) and not difference <= _MOST_DIFFERENCE:
        say(f"{options.file}: the two engines differ by more than {_MOST_DIFFERENCE:g}")
        return 1
    return 0


def _is_bundle(name: str) -> bool:
    from fivefold.runtime.bundle import SUFFIX
    from fivefold.runtime.enhancer import shipped_bundles

    return name.endswith(SUFFIX) or (name in shipped_bundles() and not Path(name).exists())


def _about_installation() -> dict[str, object]:
    from importlib.metadata import version

    from fivefold.kernels import engine
    from fivefold.photo.threads import available_threads
    from fivefold.runtime.enhancer import DEFAULT_BUNDLE, shipped_bundles

    name = engine.engine_name()
    return {
        "fivefold": version("fivefold"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": available_threads(),
        "engine": name,
        "instruction_set": engine.instruction_set(),
        "engine_note": None if name == "native" else f"slow: {engine.NATIVE_MISSING}",
        "packages": {package: version(package) for package in _PACKAGES},
        "bundles": shipped_bundles(),
        "default_bundle": DEFAULT_BUNDLE,
    }


def _about_runtime(name: str | None) -> dict[str, object]:
    """Which of several ways a model and photos go here, asked of a plain photo."""
    import numpy as np

    from fivefold.kernels import engine
    from fivefold.photo.image import Photo
    from fivefold.runtime.device import choose_device
    from fivefold.runtime.enhancer import Enhancer

    enhancer = Enhancer.load(name)
    grey = np.broadcast_to(np.arange(256, dtype=np.uint8)[:, None], (64, 256, 3))
    grid = enhancer.predict(Photo(np.ascontiguousarray(grey)))
    gpu = choose_device("auto")
    return {
        "model": enhancer.bundle.manifest.name,
        "network": enhancer.network_engine,
        "instruction_set": engine.instruction_set(),
        "pixels_uint8": engine.path_name(np.uint8, grid),
        "pixels_uint16": engine.path_name(np.uint16, grid),
        "pixels_float32": engine.path_name(np.float32, grid),
        "gpu": gpu.name if gpu.kind == "cuda" else f"none: {gpu.reason}",
    }


def _about_bundle(name: str, *, verify: bool) -> dict[str, object]:
    from fivefold.runtime.bundle import Bundle
    from fivefold.runtime.enhancer import find_bundle

    path = find_bundle(name)
    bundle = Bundle.read(path)
    facts: dict[str, object] = {"bundle": str(path), **bundle.manifest.as_dict()}
    if verify:
        from fivefold.runtime.network import Network, engines_difference

        facts["network_engine"] = Network(bundle).engine_name
        facts["largest_difference"] = engines_difference(bundle)
    return facts


def _about_photo(name: str) -> dict[str, object]:
    from fivefold.photo.files import read_photo

    photo = read_photo(name)
    metadata = photo.metadata
    kept = {"EXIF": metadata.exif, "XMP": metadata.xmp, "IPTC": metadata.iptc}
    return {
        "photo": name,
        "format": photo.format,
        "width_px": photo.width_px,
        "height_px": photo.height_px,
        "bit_depth": photo.bit_depth,
        "greyscale": photo.is_greyscale,
        "alpha": photo.alpha is not None,
        "colour_profile_bytes": len(photo.icc_profile or b""),
        "metadata": [kind for kind, block in kept.items() if block],
        "notes": list(photo.notes),
    }


def _print_facts(facts: dict[str, object], indent: str = "") -> None:
    for key, value in facts.items():
        if isinstance(value, dict) and value:
            print(f"{indent}{one_line(key)}:")
            _print_facts(value, indent + "  ")
        elif value is not None:
            print(f"{indent}{one_line(key)}: {one_line(_in_words(value))}")


def _in_words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_in_words, value)) or "none"
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
