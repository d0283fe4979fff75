"""What the service may spend on its visitors."""

from __future__ import annotations

from dataclasses import dataclass, field

from fivefold.photo.threads import available_threads

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits of the service; every one of them is there so that strangers cannot exhaust it.

    Attributes:
        workers: Photos that are worked on at a time; by default one for each core.
        queue: Requests that may wait for a worker; one more is answered with 503.
        max_upload_bytes: Largest body of a request.
        max_memory_bytes: All bodies that are held at a time.
        max_pixels: Largest photo.
        idle_s: Longest pause of a client that sends.
        transfer_s: Longest time for sending a photo, and again for fetching the result.
        work_s: Longest time for waiting in the queue and enhancing.
        token: What requests that cost something must bring, as ``Authorization: Bearer …``.
        hosts: Names besides this machine's own under which the service may be reached.
    """

    workers: int = field(default_factory=available_threads)
    queue: int = 32
    max_upload_bytes: int = 200 * _MIB
    max_memory_bytes: int = 1024 * _MIB
    max_pixels: int = 120_000_000
    idle_s: float = 20.0
    transfer_s: float = 300.0
    work_s: float = 120.0
    token: str | None = None
    hosts: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name in ("workers", "max_upload_bytes", "max_memory_bytes", "max_pixels"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, received {getattr(self, name)}")
        if self.queue < 0:
            raise ValueError(f"queue must be at least 0, received {self.queue}")
        for name in ("idle_s", "transfer_s", "work_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, received {getattr(self, name)}")
        if self.token is not None and not self.token.isascii():
            raise ValueError("a token must be ASCII text")
