"""Fixtures of the evaluation's tests."""

from tiny_bundle import bundle_path, network

__all__ = ["bundle_path", "network"]
