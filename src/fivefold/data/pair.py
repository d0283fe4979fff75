"""A pair: an input, and what somebody made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fivefold.data.encoded import Encoded
    from fivefold.data.simulate import Looks


@dataclass(frozen=True)
class Pair:
    """One input and one retouched version of it.

    Attributes:
        id: The photo; all pairs of one photo share it, and splits go by it.
        input: The input, a file or a cell of a Parquet file.
        target: The retouched version, of the same size.
        style: Who made the target.
        kind: How the input came about.
        mask: White where the pair can be trusted; ``None`` means everywhere.
        looks: Makes the input from the target, a fresh one each epoch; ``input`` is then not read.
    """

    id: str
    input: Encoded
    target: Encoded
    style: str
    kind: str
    mask: Encoded | None = None
    looks: Looks | None = None

    @property
    def pictures(self) -> list[Encoded]:
        """What has to be read for it: the target, the input unless it is made, and the mask."""
        own = [self.target] if self.looks is not None else [self.target, self.input]
        return own if self.mask is None else [*own, self.mask]
