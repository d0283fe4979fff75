"""Training on several machines: restarted after a loss, and refused where they do not agree."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from fivefold.errors import TrainingError
from fivefold.model.weights import load_weights
from fivefold.train import loop
from fivefold.train.loop import Progress

CONFIG = """
name = "shared"
preset = "small"
epochs = 4
learning_rate = 1e-3

[[sources]]
kind = "styled"
targets = ["fivek_c"]
"""


def torchrun(config: Path, data: Path, run: Path) -> subprocess.Popen[bytes]:
    """Start two processes that train together, as the documentation says it."""
    words = ["--standalone", "--nproc-per-node", "2", "--max-restarts", "3"]
    words += ["-m", "--", "fivefold.train", str(config), "--data", str(data), "--run", str(run)]
    said = {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1", "ACCELERATE_USE_CPU": "true"}
    with run.with_suffix(".log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "torch.distributed.run", *words],
            env={**os.environ, **said, "OMP_NUM_THREADS": "1"},
            stderr=log,
            start_new_session=True,
        )


def workers_of(run: Path) -> list[int]:
    """The processes that train into a folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if str(run).encode() in words and b"torch.distributed.run" not in words:
            found.append(int(folder.name))
    return sorted(found)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found through /proc")
def test_a_lost_process_is_restarted_from_the_checkpoint(study_pack: Path, tmp_path: Path) -> None:
    """A process killed amid the run costs time; the weights are those of an untroubled run."""
    config = tmp_path / "run.toml"
    config.write_text(CONFIG)
    whole = torchrun(config, study_pack, tmp_path / "whole")
    assert whole.wait(timeout=300) == 0, (tmp_path / "whole.log").read_text()

    run = tmp_path / "killed"
    process = torchrun(config, study_pack, run)
    try:
        deadline_s = time.monotonic() + 300
        workers: list[int] = []  # found beforehand: looking for them takes as long as an epoch
        while not (run / "metrics.jsonl").exists():  # the first epoch's checkpoint comes next
            assert process.poll() is None
            assert time.monotonic() < deadline_s
            workers = workers if len(workers) == 2 else workers_of(run)
            time.sleep(0.002)
        os.kill(workers[-1], signal.SIGKILL)
        assert not (run / "weights.safetensors").exists(), "it was killed too late to matter"
        assert process.wait(timeout=300) == 0, (tmp_path / "killed.log").read_text()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    expected, received = (
        load_weights(tmp_path / name / "weights.safetensors")[0].state_dict()
        for name in ("whole", "killed")
    )
    for name, value in expected.items():
        assert torch.equal(value, received[name]), name
    lines = (run / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [0, 1, 2, 3]


def test_machines_that_stand_elsewhere_are_told(tmp_path: Path) -> None:
    """A run folder that is not the same on every machine would train nonsense: it is refused."""

    class OtherIsAhead:
        num_processes = 2
        device = torch.device("cpu")

        def gather(self, mine: torch.Tensor) -> torch.Tensor:
            return torch.cat([mine, mine + 1])

    with pytest.raises(TrainingError, match="does not stand where others do"):
        loop._check_agreement(OtherIsAhead(), tmp_path, Progress(steps=4))
