"""``--device``: where photos are enhanced."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from fivefold.cli.console import say

if TYPE_CHECKING:
    from fivefold.runtime.device import Device

DEVICES = ("cpu", "cuda", "auto")  # as fivefold.runtime.device has them, which loads later


def add_device_option(parser: argparse.ArgumentParser) -> None:
    """Describe the option."""
    parser.add_argument(
        "--device",
        choices=DEVICES,
        default="cpu",
        help="cuda: an NVIDIA GPU, or an error; auto: one if it can be used (default cpu)",
    )


def chosen_device(options: argparse.Namespace) -> Device | None:
    """The device if another one than the CPU was asked for; says why it is the CPU then.

    Raises:
        DeviceError: If ``cuda`` was asked for and cannot be used.
        MissingExtraError: If something for it is not installed.
    """
    if options.device == "cpu":
        return None
    from fivefold.runtime.device import choose_device

    device = choose_device(options.device)
    if device.reason:
        say(f"on the CPU, as there is no GPU to use: {device.reason}")
    return device
