"""A killed run resumes to the same weights; two processes train the same model."""

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from fivefold.data.pairs import Draw, PairSet
from fivefold.model.enhancer_net import EnhancerNet
from fivefold.model.weights import load_weights
from fivefold.train.adam import adam, make_steps_fast
from fivefold.train.config import Source, TrainConfig
from fivefold.train.loop import train
from fivefold.train.objective import Objective
from fivefold.train.sources import training_and_held_out_pairs

CONFIG = TrainConfig(
    name="shared",
    preset="small",
    sources=(Source("styled", targets=("fivek_c",)),),
    epochs=3,
    learning_rate=1e-3,
    average_decay=0.9,
    fast_steps=True,
)

PROGRAM = """
import json, sys
from pathlib import Path
import torch
from fivefold.train.adam import adam, make_steps_fast
from fivefold.train.config import TrainConfig
from fivefold.train.loop import train
torch.set_num_threads(1)
config = TrainConfig.of(json.loads(sys.argv[1]))
train(config, Path(sys.argv[2]), Path(sys.argv[3]), checkpoint_every_s=0.0)
"""


def arguments(config: TrainConfig, data: Path, run: Path) -> list[str]:
    plain = json.dumps(dataclasses.asdict(config))
    return [sys.executable, "-c", PROGRAM, plain, str(data), str(run)]


def weights_of(run: Path) -> dict[str, torch.Tensor]:
    return load_weights(run / "weights.safetensors")[0].state_dict()


def test_killed_run_ends_with_the_same_weights(study_pack: Path, tmp_path: Path) -> None:
    """Killed with SIGKILL between two checkpoints of an epoch, a run resumes bit for bit."""
    subprocess.run(arguments(CONFIG, study_pack, tmp_path / "whole"), check=True)

    state = tmp_path / "killed/state.safetensors"
    process = subprocess.Popen(arguments(CONFIG, study_pack, tmp_path / "killed"))
    try:
        deadline_s = time.monotonic() + 120
        while not state.exists() and process.poll() is None and time.monotonic() < deadline_s:
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert state.exists()
    assert not (tmp_path / "killed/weights.safetensors").exists()
    subprocess.run(arguments(CONFIG, study_pack, tmp_path / "killed"), check=True)

    whole, killed = weights_of(tmp_path / "whole"), weights_of(tmp_path / "killed")
    for name, value in whole.items():
        assert torch.equal(value, killed[name]), name
    epochs = [
        json.loads(line)["epoch"]
        for line in (tmp_path / "killed/metrics.jsonl").read_text().splitlines()
    ]
    assert epochs == [0, 1, 2]


def test_two_processes_train_the_model_of_one(study_pack: Path, tmp_path: Path) -> None:
    """Two processes with half of each batch take the steps of one that adds up both halves.

    Each half has its own batch statistics, as it has in one process that takes the halves in
    turn; the weights agree within 2e-5, which is float32 addition in another order.
    """
    config = dataclasses.replace(CONFIG, epochs=1, average_decay=0.0)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = [
        subprocess.Popen(
            arguments(config, study_pack, tmp_path / "two"),
            env={
                **os.environ,
                "RANK": str(rank),
                "LOCAL_RANK": str(rank),
                "WORLD_SIZE": "2",
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(port),
                "ACCELERATE_USE_CPU": "true",
            },
        )
        for rank in range(2)
    ]
    try:
        assert [process.wait(timeout=120) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()

    expected = _train_in_halves(config, study_pack)
    received = weights_of(tmp_path / "two")
    for name, parameter in expected.named_parameters():
        torch.testing.assert_close(received[name], parameter.detach(), atol=2e-5, rtol=0)


def _train_in_halves(config: TrainConfig, data: Path) -> EnhancerNet:
    """The run written out: each step adds the gradients of the even and of the odd samples."""
    from fivefold.train.loop import _batches

    torch.manual_seed(config.seed)
    net = make_steps_fast(EnhancerNet(config.preset))
    objective = Objective(net).train()
    optimiser = adam(net, config.learning_rate, fast=True)
    training, _ = training_and_held_out_pairs(config, data)
    drawn = PairSet(training, augment=True, smallest_crop=config.smallest_crop, seed=config.seed)
    for batch in _batches(len(drawn), 0, config):
        optimiser.zero_grad()
        for half in (batch[0::2], batch[1::2]):
            loss, _ = objective([drawn[Draw(int(index), 0)] for index in half])
            (loss / 2).backward()
        optimiser.step()
    return net


def test_batch_that_processes_cannot_share_is_refused(
    study_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch size that is no multiple of the processes is the caller's mistake."""
    from fivefold.train import loop

    class ThreeProcesses:
        num_processes = 3

    monkeypatch.setattr(loop, "Accelerator", lambda **_: ThreeProcesses())
    with pytest.raises(ValueError, match="multiple of the 3 processes, received 4"):
        train(CONFIG, study_pack, tmp_path / "run")
