"""Fixtures of the runtime's tests."""

from tiny_bundle import bundle_path, enhancer, network, shipped, write_tiny

__all__ = ["bundle_path", "enhancer", "network", "shipped", "write_tiny"]
