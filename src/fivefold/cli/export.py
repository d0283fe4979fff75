"""``fivefold export``: weights, models and photos' grids in the form that other programs take."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fivefold.cli.console import one_line, print_json
from fivefold.cli.extras import require
from fivefold.cli.model_option import (
    add_expert_option,
    check_strength_option,
    load_enhancer,
)
from fivefold.cli.result_options import refuse

if TYPE_CHECKING:
    from fivefold.runtime.bundle import Bundle

_NOT_STATED = "not stated"
_WEIGHTS_SUFFIX = ".safetensors"
_EXAMPLES = """\
examples:
  fivefold export runs/mine/weights.safetensors -o mine.fivefold
  fivefold export weights.safetensors -o mine.fivefold --licence CC-BY-4.0 --card card.md
  fivefold export consensus -o network.onnx          the network, from thumbnail to grid
  fivefold export consensus -o whole.onnx --whole    photo in, photo out, any size
  fivefold export weights.safetensors -o whole.pt2   the same for PyTorch
  fivefold export consensus -o start.safetensors --expert full
                                                     weights to go on training from
  fivefold export photo.jpg -o photo.grid            a photo's grid, for shaders

Then: fivefold enhance photo.jpg --bundle mine.fivefold
The other files and what reads them: docs/export.md
"""


def add_parser(verbs: Any) -> argparse.ArgumentParser:
    """Describe the arguments."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "export",
        help="models and grids for fivefold and for other programs",
        description="Write trained weights as one checked file that enhances photos without "
        "PyTorch, a model for other runtimes, or a photo's grid for shaders. What computes is "
        "compared with the original first.",
        epilog=_EXAMPLES,
    )
    add = parser.add_argument
    add(
        "source",
        metavar="SOURCE",
        help="weights.safetensors of a run; for .onnx also, for .safetensors only, a model that "
        "'enhance' takes; for .grid a photo",
    )
    add(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="OUT",
        help="ending in .fivefold, .onnx, .pt2 (a PyTorch program), .safetensors (weights for "
        "fivefold.model and 'train') or .grid",
    )
    add(
        "--whole",
        action="store_true",
        help=".onnx: from photo to enhanced photo, not the network alone",
    )
    add("--name", help="what users call it (default: OUT without its ending)")
    add(
        "--licence",
        default=_NOT_STATED,
        help=f"what the weights may be used for, one line (default: {_NOT_STATED})",
    )
    add("--card", type=Path, metavar="FILE", help="the model card, Markdown (default: a short one)")
    add("--bundle", metavar="B", help=".grid: the model to use, as for 'enhance'")
    add_expert_option(parser)
    add(
        "--strength",
        type=float,
        default=1.0,
        metavar="S",
        help=".grid: of the look, -1.5 to 1.5 (default 1)",
    )
    add("--json", action="store_true", help="what was written, as JSON on stdout")
    return parser


def run(options: argparse.Namespace) -> int:
    """Export what was asked for.

    Returns:
        0.
    """
    write = {
        ".fivefold": _bundle,
        ".onnx": _onnx,
        ".pt2": _program,
        _WEIGHTS_SUFFIX: _weights,
        ".grid": _grid,
    }
    ending = options.output.suffix
    if ending not in write:
        *others, last = write
        options.parser.error(
            f"-o must end in {', '.join(others)} or {last}, "
            f"received {one_line(str(options.output))}"
        )
    if options.expert and (ending == ".fivefold" or (ending == ".onnx" and not options.whole)):
        options.parser.error("--expert: a bundle, and a network alone, keep all their styles")
    if options.whole and ending != ".onnx":
        options.parser.error("--whole goes with -o OUT.onnx only")
    check_strength_option(options)
    size_bytes = write[ending](options)
    if options.json:
        print_json(path=str(options.output), size_bytes=size_bytes)
    else:
        print(one_line(f"{options.output}: {size_bytes / 1e6:.1f} MB"))
    return 0


def _bundle(options: argparse.Namespace) -> int:
    require("train", "torch", "onnx", "onnxscript", "safetensors")
    import json

    from fivefold.export.bundle import export_bundle
    from fivefold.model.weights import load_weights

    weights = Path(options.source)
    _, facts = load_weights(weights)
    training = json.loads(facts.get("training", "{}"))
    name = options.name or options.output.stem
    try:
        export_bundle(
            weights,
            options.output,
            name=name,
            preset=training.get("preset", "custom"),
            licence=options.licence,
            card=_card(options, name, training),
        )
    except ValueError as error:
        options.parser.error(str(error))
    return int(options.output.stat().st_size)


def _onnx(options: argparse.Namespace) -> int:
    from fivefold.errors import BundleError
    from fivefold.photo.atomic import write_atomically

    if options.source.endswith(_WEIGHTS_SUFFIX):
        content = _onnx_of_weights(options)
    else:
        content = _onnx_of_bundle(options)
    try:
        write_atomically(options.output, [content])
    except OSError as error:
        raise BundleError(f"{options.output}: {error.strerror or error}") from error
    return len(content)


def _onnx_of_weights(options: argparse.Namespace) -> bytes:
    require("train", "torch", "onnx", "onnxscript", "safetensors")
    from fivefold.export.bundle import network_to_onnx
    from fivefold.model.weights import load_weights
    from fivefold.runtime.bundle import Bundle
    from fivefold.runtime.manifest import Manifest

    net, _ = load_weights(Path(options.source))
    network = network_to_onnx(net)
    if not options.whole:
        return network
    name = options.name or options.output.stem
    try:
        facts = Manifest(
            name,
            preset="custom",
            licence=options.licence,
            created_by="fivefold",
            styles=net.config.styles,
        )
    except ValueError as error:
        options.parser.error(str(error))
    bundle = Bundle(facts, network, net.guide.as_plain(), card="", source=options.source)
    return _whole(bundle, options)


def _onnx_of_bundle(options: argparse.Namespace) -> bytes:
    from fivefold.runtime.bundle import Bundle
    from fivefold.runtime.enhancer import find_bundle

    if options.whole:
        require("onnx", "onnx")
    bundle = Bundle.read(find_bundle(options.source))
    if not options.whole:
        return bundle.network
    return _whole(bundle, options)


def _whole(bundle: Bundle, options: argparse.Namespace) -> bytes:
    from fivefold.export.photo_graph import photo_graph

    try:
        return photo_graph(bundle, options.expert)
    except ValueError as error:
        refuse(options, f"--expert: {error}")


def _program(options: argparse.Namespace) -> int:
    require("train", "torch", "safetensors")
    from fivefold.export.program import export_program

    try:
        return export_program(Path(options.source), options.output, options.expert)
    except ValueError as error:
        refuse(options, f"--expert: {error}")


def _weights(options: argparse.Namespace) -> int:
    require("train", "torch", "safetensors")
    from fivefold.export.weights import export_weights
    from fivefold.runtime.bundle import Bundle
    from fivefold.runtime.enhancer import find_bundle

    bundle = Bundle.read(find_bundle(options.source))
    try:
        return export_weights(bundle, options.output, options.expert)
    except ValueError as error:
        refuse(options, f"--expert: {error}")


def _grid(options: argparse.Namespace) -> int:
    from fivefold.errors import PhotoWriteError
    from fivefold.export.grid_file import pack_grid
    from fivefold.photo.atomic import write_atomically
    from fivefold.photo.files import read_photo
    from fivefold.runtime.enhancer import neutral

    photo = read_photo(options.source)
    grid = (
        load_enhancer(options.bundle, options.expert).predict(photo).with_strength(options.strength)
    )
    content = pack_grid(neutral(grid) if photo.is_greyscale else grid)
    try:
        write_atomically(options.output, [content])
    except OSError as error:
        raise PhotoWriteError(f"{options.output}: {error.strerror or error}") from error
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
