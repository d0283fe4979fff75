"""``fivefold export``: trained weights to what enhances photos without PyTorch."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from fivefold.cli.console import print_json
from fivefold.cli.extras import require

_NOT_STATED = "not stated"
_EXAMPLES = """\
examples:
  fivefold export runs/mine/weights.safetensors -o mine.fivefold
  fivefold export weights.safetensors -o mine.fivefold --licence CC-BY-4.0 --card card.md
  fivefold export weights.safetensors -o mine.onnx     only the network, from thumbnail to grid

Then: fivefold enhance photo.jpg --bundle mine.fivefold
"""


def add_parser(verbs: Any) -> argparse.ArgumentParser:
    """Describe the arguments."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "export",
        help="trained weights to a model that enhances photos",
        description="Write trained weights as one checked file that enhances photos without "
        "PyTorch. The exported network is compared with the trained one first.",
        epilog=_EXAMPLES,
    )
    add = parser.add_argument
    add("weights", type=Path, metavar="WEIGHTS", help="weights.safetensors of a run")
    add(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="OUT",
        help="ending in .fivefold, or in .onnx for the network alone",
    )
    add("--name", help="what users call it (default: OUT without its ending)")
    add(
        "--licence",
        default=_NOT_STATED,
        help=f"what the weights may be used for, one line (default: {_NOT_STATED})",
    )
    add("--card", type=Path, metavar="FILE", help="the model card, Markdown (default: a short one)")
    add("--json", action="store_true", help="what was written, as JSON on stdout")
    return parser


def run(options: argparse.Namespace) -> int:
    """Export the weights.

    Returns:
        0.
    """
    from fivefold.runtime.bundle import SUFFIX

    if options.output.suffix not in (SUFFIX, ".onnx"):
        options.parser.error(f"-o must end in {SUFFIX} or .onnx, received {options.output}")
    require("train", "torch", "onnx", "onnxscript", "safetensors")
    size_bytes = _network(options) if options.output.suffix == ".onnx" else _bundle(options)
    if options.json:
        print_json(path=str(options.output), size_bytes=size_bytes)
    else:
        print(f"{options.output}: {size_bytes / 1e6:.1f} MB")
    return 0


def _bundle(options: argparse.Namespace) -> int:
    import json

    from fivefold.export.bundle import export_bundle
    from fivefold.model.weights import load_weights

    _, facts = load_weights(options.weights)
    training = json.loads(facts.get("training", "{}"))
    name = options.name or options.output.stem
    try:
        export_bundle(
            options.weights,
            options.output,
            name=name,
            preset=training.get("preset", "custom"),
            licence=options.licence,
            card=_card(options, name, training),
        )
    except ValueError as error:
        options.parser.error(str(error))
    return int(options.output.stat().st_size)


def _network(options: argparse.Namespace) -> int:
    from fivefold.errors import BundleError
    from fivefold.export.bundle import network_to_onnx
    from fivefold.model.weights import load_weights
    from fivefold.photo.atomic import write_atomically

    net, _ = load_weights(options.weights)
    content = network_to_onnx(net)
    try:
        write_atomically(options.output, [content])
    except OSError as error:
        raise BundleError(f"{options.output}: {error.strerror or error}") from error
    return len(content)


def _card(options: argparse.Namespace, name: str, training: dict[str, Any]) -> str:
    from fivefold.errors import DataError

    if options.card is not None:
        try:
            text: str = options.card.read_text(encoding="utf-8")
        except OSError as error:
            raise DataError(f"{options.card}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise DataError(f"{options.card}: is no text in UTF-8") from error
        return text
    kinds = ", ".join(source["kind"] for source in training.get("sources", ())) or "not stated"
    return (
        f"# {name}\n\nTrained with the configuration `{training.get('name', 'not stated')}` "
        f"on sources of the kind {kinds}. Licence: {options.licence}.\n"
    )
