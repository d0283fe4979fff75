"""Fixtures of the evaluation's tests."""

from command_line import fivefold
from tiny_bundle import bundle_path, network

__all__ = ["bundle_path", "fivefold", "network"]
