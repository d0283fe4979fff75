"""Who is at work on what: finished work is not done twice, and deadly photos not tried for ever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

MAX_ATTEMPTS = 3


class Attempts:
    """What workers tell before and after each photo; kept where no worker can take it along.

    A worker that dies leaves the photo that it was decoding, enhancing or coding begun and not
    passed. Whoever gets the worker's share next is told how often that has happened, and what the
    dead one had finished.
    """

    def __init__(self) -> None:
        self._begun: Counter[str] = Counter()
        self._ended: dict[str, str] = {}

    def begin(self, source: str) -> tuple[int, str | None]:
        """A worker is about to open a photo.

        Returns:
            How many have begun it and were not heard of again; and its outcome as JSON if another
            had finished it, which then is no further attempt.
        """
        if source in self._ended:
            return 0, self._ended[source]
        before = self._begun[source]
        self._begun[source] += 1
        return before, None

    def passed(self, source: str) -> None:
        """The worker has survived the photo; what is left is to write the result."""
        self._begun.pop(source, None)

    def end(self, source: str, outcome: str) -> None:
        """The photo is done, for good or ill."""
        self._begun.pop(source, None)
        self._ended[source] = outcome

    def forget(self, sources: Iterable[str]) -> None:
        """The outcomes have arrived: nobody will ask about these photos again."""
        for source in sources:
            self._ended.pop(source, None)
            self._begun.pop(source, None)
