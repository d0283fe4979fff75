"""A predicted grid as bytes, as the page and the HTTP API exchange it."""

from __future__ import annotations

from fivefold.export.grid_file import pack_grid, unpack_grid

__all__ = ["MEDIA_TYPE", "pack_grid", "unpack_grid"]

MEDIA_TYPE = "application/vnd.fivefold.grid"
