"""``fivefold train``: one network, from a configuration."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fivefold.cli.console import print_json
from fivefold.cli.extras import require

if TYPE_CHECKING:
    from fivefold.train.config import TrainConfig

_EXAMPLES = """\
examples:
  fivefold train my.toml --data SET --run runs/mine       goes on where it was stopped
  fivefold train combined_lrs --data SET --run runs/lrs   one of the paper's eight runs
  fivefold train my.toml --data SET --run runs/next --start-from runs/mine/weights.safetensors
  fivefold train taste.toml --data SET --run runs/taste --start-from start.safetensors
                                                     of the shipped model: see 'export --help'
  fivefold train my.toml --data SET --run runs/mine --mixed-precision bf16 --workers 8

What a configuration may hold is told in docs/training.md. On several GPUs or machines:
  accelerate launch -m fivefold.train my.toml --data SET --run runs/mine
"""


def add_parser(verbs: Any) -> argparse.ArgumentParser:
    """Describe the arguments."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "train",
        help="train a network on pairs of photos",
        description="Train a network on photos and what somebody made of them. Stopped at any "
        "moment and started again, it ends with the same weights.",
        epilog=_EXAMPLES,
    )
    add = parser.add_argument
    add("config", metavar="CONFIG", help="a TOML file, or the name of one of the paper's runs")
    add("--data", required=True, metavar="SET", help="the set, or the folder of sets; s3://… too")
    add(
        "--run",
        type=Path,
        required=True,
        dest="folder",  # "run" is where the verb itself is kept
        metavar="DIR",
        help="gets checkpoints, metrics and weights",
    )
    add(
        "--start-from",
        type=Path,
        metavar="FILE",
        help="weights to go on from, of a run, or of a bundle by 'export'",
    )
    add(
        "--mixed-precision",
        choices=("no", "fp16", "bf16"),
        default="no",
        help="of the low-resolution network (default no)",
    )
    add("--workers", type=_none_or_more, default=0, metavar="N", help="processes that read photos")
    add("--json", action="store_true", help="the last epoch's metrics as JSON on stdout")
    return parser


def run(options: argparse.Namespace) -> int:
    """Train what was asked for.

    Returns:
        0.
    """
    require("train", "torch", "accelerate", "safetensors", "tensorboard")
    from fivefold.data.addresses import data_path
    from fivefold.errors import DataError
    from fivefold.train.loop import read_metrics, train

    config = read_config(options.config)
    try:
        train(
            config,
            data_path(options.data),
            options.folder,
            start_from=options.start_from,
            mixed_precision=options.mixed_precision,
            workers=options.workers,
        )
    except OSError as error:
        raise DataError(f"{options.folder}: {error.strerror or error}") from error
    weights = options.folder / "weights.safetensors"
    last = read_metrics(options.folder)[-1]
    if options.json:
        print_json(weights=str(weights), **{k: v for k, v in last.items() if k != "curve"})
        return 0
    training, held_out = last["training"], last["held_out"]
    print(f"{weights}: {config.epochs} epochs, {last['steps']} steps")
    print(f"training: loss {training['loss']:.5f}, PSNR {training['psnr']:.2f} dB")
    if "all" in held_out:
        parts = (f", {n} {v:.2f}" for n, v in held_out.items() if v != held_out["all"])
        print(f"held-out: PSNR {held_out['all']:.2f} dB{''.join(parts)}")
    return 0


def read_config(name: str) -> TrainConfig:
    """A configuration from a file, or one of the paper's runs by its name.

    Raises:
        DataError: If it is neither, or does not fit.
    """
    from fivefold.errors import DataError
    from fivefold.reproduce.runs import RUNS, paper_run
    from fivefold.train.config import TrainConfig

    if name in RUNS and not Path(name).exists():
        return paper_run(name)
    if not Path(name).exists():
        raise DataError(f"{name}: no such file, and none of the paper's runs: {', '.join(RUNS)}")
    return TrainConfig.read(Path(name))


def _none_or_more(word: str) -> int:
    if not word.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 up, received {word!r}")
    return int(word)
