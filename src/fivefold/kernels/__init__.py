"""Guide, slice and apply at full resolution: one definition, several engines.

:mod:`fivefold.kernels.reference` defines the pass; :func:`render` runs the fastest engine here.
"""

from fivefold.kernels.engine import engine_name, instruction_set, path_name, render, thumbnail
from fivefold.kernels.grid import BilateralGrid, Guide

__all__ = [
    "BilateralGrid",
    "Guide",
    "engine_name",
    "instruction_set",
    "path_name",
    "render",
    "thumbnail",
]
