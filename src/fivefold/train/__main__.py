"""``python -m fivefold.train CONFIG --data PACK --run FOLDER``: train one network."""

from __future__ import annotations

import argparse
from pathlib import Path

from fivefold.train.config import TrainConfig
from fivefold.train.loop import train


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m fivefold.train", description=__doc__)
    parser.add_argument("config", type=Path, help="the run, a TOML file of configs/")
    parser.add_argument("--data", type=Path, required=True, help="folder of the study pack")
    parser.add_argument(
        "--run", type=Path, required=True, help="folder for checkpoints and weights"
    )
    parser.add_argument("--start-from", type=Path, help="weights to go on from")
    options = parser.parse_args()
    config = TrainConfig.read(options.config)
    train(config, options.data, options.run, start_from=options.start_from)


if __name__ == "__main__":
    main()
