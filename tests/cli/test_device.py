"""``fivefold enhance --device``: says where it runs, and never falls back in silence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from command import Result

from fivefold.runtime import device as devices
from fivefold.runtime.device import Device
from on_gpu import DEVICE, HAS_GPU, gpu

__all__ = ["gpu"]

Command = Callable[..., Result]


@pytest.mark.skipif(HAS_GPU, reason="a GPU is here")
def test_cuda_without_a_gpu_is_one_line_and_no_photo(fivefold: Command, photos: Path) -> None:
    """Asked for what is not there, the command says so, and writes nothing."""
    for words in (("in", "-o", "out"), ("in/a.jpg", "-o", "a.png")):
        done = fivefold("enhance", *words, "--device", "cuda")
        assert done.code == 1
        assert done.err.startswith("fivefold: cuda: ")
        assert done.err.count("\n") == 1
    assert not (photos / "out").exists()
    assert not (photos / "a.png").exists()


@pytest.mark.skipif(HAS_GPU, reason="a GPU is here")
def test_auto_says_why_it_runs_on_the_cpu(fivefold: Command, photos: Path) -> None:
    """And enhances."""
    done = fivefold("enhance", "in", "-o", "out", "--device", "auto")
    assert done.code == 0
    reason, summary = done.err.splitlines()
    assert reason.startswith("fivefold: on the CPU, as there is no GPU to use: cuda: ")
    assert summary.endswith("on the CPU")


def test_a_gpu_is_named(
    fivefold: Command, photos: Path, gpu: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The summary says which device did it, to people and to programs."""
    from fivefold.runtime.gpu import engine

    real = engine.GpuEngine
    monkeypatch.setattr(devices, "choose_device", lambda _: Device("cuda", "Test GPU"))
    monkeypatch.setattr(engine, "GpuEngine", lambda *arguments: real(*arguments, DEVICE))
    done = fivefold("enhance", "in/a.jpg", "-o", "a.png", "--device", "auto")
    assert done.code == 0
    assert "on Test GPU: a.png" in done.err
    done = fivefold("enhance", "in/b.png", "-o", "b.png", "--device", "cuda", "--json")
    assert done.records[-1]["summary"]["device"] == "cuda"
    assert done.records[-1]["summary"]["engine"] == "triton"


def test_a_cluster_has_devices_of_its_own(fivefold: Command, photos: Path) -> None:
    """What cannot go together is a wrong command."""
    done = fivefold("enhance", "in", "-o", "out", "--device", "cuda", "--cluster", "local")
    assert done.code == 2
    assert "--device does not go with --cluster" in done.err
