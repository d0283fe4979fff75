"""What a study was made of: which photos, whose versions, on which machine."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from fivefold.data.experts import ExpertSet
from fivefold.data.pair import Pair
from fivefold.photo.threads import available_threads


@dataclass(frozen=True)
class Facts:
    """What a reader must know to judge a study.

    Attributes:
        set_kind: What the set was taken for, in words.
        modelled: The experts' versions are the work of published models.
        experts: Whose versions there are.
        quick: Only few photos were taken.
        photos: Of the set, with an expert's version.
        training_photos: That the runs learned from.
        held_out_photos: That no run learned from, and that were scored.
        real_photos: With a version by the real expert C beside modelled ones.
        impossible: The runs that the set does not allow, with the reason.
        machine: What it was computed on, in words.
        jobs: Runs at a time.
        threads: Of each run.
        seconds: That the command took, over all its starts.
        processor_seconds: Of it that the processors worked on it, all cores added up.
    """

    set_kind: str
    modelled: bool
    experts: Sequence[str]
    quick: bool
    photos: int
    training_photos: int
    held_out_photos: int
    real_photos: int
    impossible: Mapping[str, str]
    machine: str
    jobs: int
    threads: int
    seconds: float
    processor_seconds: float


def facts_of(
    found: ExpertSet,
    training: Sequence[Pair],
    held_out: Sequence[Pair],
    *,
    quick: bool,
    impossible: Mapping[str, str],
    jobs: int,
    threads: int,
    seconds: float,
    processor_seconds: float,
) -> Facts:
    """Gather the facts.

    Args:
        found: The set.
        training: The pairs of any of the runs.
        held_out: Those that it was scored on.
        quick: Only few photos were taken.
        impossible: The runs that the set does not allow, with the reason.
        jobs: Runs at a time.
        threads: Of each run.
        seconds: That the command took.
        processor_seconds: Of all cores.
    """
    return Facts(
        set_kind=found.kind,
        modelled=found.modelled,
        experts=found.experts,
        quick=quick,
        photos=_number(found.pairs),
        training_photos=_number(training),
        held_out_photos=_number(held_out),
        real_photos=_number(found.real_pairs),
        impossible=impossible,
        machine=_machine(),
        jobs=jobs,
        threads=threads,
        seconds=seconds,
        processor_seconds=processor_seconds,
    )


def _number(pairs: Sequence[Pair]) -> int:
    return len({pair.id for pair in pairs})


def _machine() -> str:
    software = f"Python {platform.python_version()}, PyTorch {torch.__version__}"
    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()}, {software}"
    return f"{available_threads()} cores of a {platform.machine()} processor, {software}"
