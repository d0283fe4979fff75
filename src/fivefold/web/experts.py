"""Whose versions of a photo the service offers: experts by name, and blends of one model's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from fivefold.runtime.blend import parse_blend

if TYPE_CHECKING:
    from fivefold.runtime.enhancer import Enhancer

_LONGEST_TEXT = 1000  # it comes back in the message if it is no blend


class Experts:
    """The enhancers of the service, to be found by what a request says.

    Args:
        enhancers: By the name that requests call them; the first is the default.

    Attributes:
        names: What they are called, the default first.
    """

    def __init__(self, enhancers: Mapping[str, Enhancer]) -> None:
        self._enhancers = dict(enhancers)
        self.names = list(enhancers)

    def blendable(self) -> Iterator[str]:
        """The names of those that share a model with another one."""
        sharing = Counter(id(enhancer.bundle) for enhancer in self._enhancers.values())
        for name, enhancer in self._enhancers.items():
            if sharing[id(enhancer.bundle)] > 1 and name in enhancer.styles:
                yield name

    def find(self, text: str | None) -> Enhancer:
        """The enhancer that a request asks for.

        A blend's shares the network with its styles', so it costs no memory worth mentioning and
        is made anew for each request.

        Args:
            text: A name, a blend as :func:`fivefold.runtime.blend.parse_blend` reads it, or
                ``None`` for the default.

        Raises:
            ValueError: For anything else; the message is meant for people.
        """
        if text is None:
            text = self.names[0]
        if text in self._enhancers:
            return self._enhancers[text]
        if len(text) > _LONGEST_TEXT:
            raise ValueError(f"at most {_LONGEST_TEXT} characters are taken, received {len(text)}")
        blend = parse_blend(text)
        if not blend.keys() <= self._enhancers.keys():
            raise ValueError(f"must be one of {', '.join(self.names)}, or a blend of these")
        first, *others = blend
        enhancer = self._enhancers[first]
        for other in others:
            if self._enhancers[other].bundle is not enhancer.bundle:
                raise ValueError(f"{first} and {other} are of two models, which do not blend")
        return enhancer.in_style(blend)
