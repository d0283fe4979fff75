"""``python -m fivefold.train CONFIG --data SET --run FOLDER``: train one network.

What ``accelerate launch`` starts on each device; otherwise ``fivefold train`` says more.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from fivefold.data.addresses import data_path
from fivefold.train.config import TrainConfig
from fivefold.train.loop import train


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m fivefold.train", description=__doc__)
    parser.add_argument("config", type=Path, help="the run, a TOML file of configs/")
    parser.add_argument("--data", required=True, help="the set, or the folder of sets; s3://… too")
    parser.add_argument(
        "--run", type=Path, required=True, help="folder for checkpoints and weights"
    )
    parser.add_argument("--start-from", type=Path, help="weights to go on from")
    parser.add_argument("--mixed-precision", choices=("no", "fp16", "bf16"), default="no")
    parser.add_argument("--workers", type=int, default=0, help="processes that read photos")
    options = parser.parse_args()
    train(
        TrainConfig.read(options.config),
        data_path(options.data),
        options.run,
        start_from=options.start_from,
        mixed_precision=options.mixed_precision,
        workers=options.workers,
    )


if __name__ == "__main__":
    main()
