"""What ``fivefold enhance`` says about each photo, and at its end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fivefold.cli.console import Progress, print_json

if TYPE_CHECKING:
    from fivefold.cluster.outcome import RemoteOutcome
    from fivefold.runtime.batch import Outcome
    from fivefold.runtime.device import Device


def tell(outcome: Outcome | RemoteOutcome, progress: Progress, *, as_json: bool) -> None:
    """Say what became of a photo: what failed on stderr, and as JSON everything on stdout."""
    if as_json:
        print_json(
            source=str(outcome.source),
            target=str(outcome.target),
            ok=outcome.ok,
            skipped=outcome.skipped,
            stale=_stale(outcome) or None,
            error=outcome.message or None,
            notes=list(outcome.notes),
            seconds=round(outcome.seconds, 4),
        )
    if not outcome.ok:
        progress.say(outcome.message)
    for note in outcome.notes:
        progress.say(f"{outcome.source}: note: {note}")


def _stale(outcome: Outcome | RemoteOutcome) -> str:
    """Why a result that was left alone is out of date; nobody notes that of remote ones."""
    return getattr(outcome, "stale", "")


def passed_over(count: int) -> str:
    """That so many files were taken for results, for a person."""
    return f"{count} {'result' if count == 1 else 'results'} of earlier runs passed over"


def engine_words() -> str:
    """The device and engine that photos are rendered on, for a person."""
    from fivefold.kernels import engine_name

    if engine_name() == "native":
        return "on the CPU"
    return "on the CPU by a much slower path (the compiled kernels are missing: fivefold info)"


@dataclass
class Summary:
    """What became of all photos, and on which device; ``None`` is the CPU."""

    enhanced: int = 0
    skipped: int = 0
    stale: int = 0
    failed: int = 0
    results_passed_over: int = 0
    seconds: float = 0.0
    last_target: Path | str | None = None
    device: Device | None = None

    def count(self, outcome: Outcome | RemoteOutcome) -> None:
        """Add one photo."""
        if not outcome.ok:
            self.failed += 1
        elif outcome.skipped:
            self.skipped += 1
            self.stale += bool(_stale(outcome))
        else:
            self.enhanced += 1
            self.last_target = outcome.target

    def as_dict(self) -> dict[str, object]:
        """The summary for a program."""
        from fivefold import kernels

        return {
            "enhanced": self.enhanced,
            "skipped": self.skipped,
            "stale": self.stale,
            "failed": self.failed,
            "results_passed_over": self.results_passed_over,
            "seconds": round(self.seconds, 4),
            "photos_per_second": round(self.enhanced / self.seconds, 3),
            "device": "cuda" if self._is_on_gpu else "cpu",
            "engine": "triton" if self._is_on_gpu else kernels.engine_name(),
        }

    @property
    def _is_on_gpu(self) -> bool:
        return self.device is not None and self.device.kind == "cuda"

    def counts(self) -> str:
        """How many photos became what, for a person."""
        parts = [f"{self.enhanced} {'photo' if self.enhanced == 1 else 'photos'} enhanced"]
        if self.skipped:
            stale = f" ({self.stale} out of date: --update)" if self.stale else ""
            parts.append(f"{self.skipped} skipped{stale}")
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.results_passed_over:
            parts.append(passed_over(self.results_passed_over))
        return ", ".join(parts)

    def where(self) -> str:
        """The device, for a person."""
        if self.device is not None and self._is_on_gpu:
            return f"on {self.device.name}"
        return engine_words()

    def as_line(self) -> str:
        """The summary for a person."""
        rate = self.enhanced / self.seconds
        line = f"{self.counts()} in {self.seconds:.2f} s ({rate:.1f} photos/s), {self.where()}"
        return f"{line}: {self.last_target}" if self.enhanced == 1 else line
