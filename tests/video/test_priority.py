"""Encoders leave the process as patient as it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from clips import picture, write_clip

from fivefold.runtime.enhancer import Enhancer
from fivefold.video.enhance import VideoSettings, enhance_video
from fivefold.video.priority import kept_priority, real_time_threads

MAY_RAISE = hasattr(os, "sched_setscheduler") and Path("/proc/self/task").is_dir()


def raise_priority() -> None:
    """Make this thread a real-time one, if this process may."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        pytest.skip("only root may raise the priority of a thread")


@pytest.mark.skipif(not MAY_RAISE, reason="only Linux tells the priority of every thread")
def test_priority_is_given_back() -> None:
    """A thread that became a real-time one is an ordinary one afterwards."""
    with kept_priority():
        raise_priority()
        assert len(real_time_threads()) == 1
    assert real_time_threads() == set()


@pytest.mark.skipif(not MAY_RAISE, reason="only Linux tells the priority of every thread")
def test_priority_that_the_user_gave_is_kept() -> None:
    """A thread that was a real-time one before stays so."""
    raise_priority()
    try:
        before = real_time_threads()
        with kept_priority():
            pass
        assert real_time_threads() == before != set()
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def test_av1_raises_no_priority(tmp_path: Path, enhancer: Enhancer) -> None:
    """Run as root, SVT-AV1 alone would let nothing else run on the machine."""
    source = write_clip(tmp_path / "a.mp4", [picture(96, 64, 0)] * 3)
    seen: list[set[int]] = []
    enhance_video(
        source,
        tmp_path / "b.mkv",
        enhancer,
        VideoSettings(codec="av1", crf=40),
        advanced=lambda: seen.append(real_time_threads()),
    )
    assert seen
    assert not set().union(*seen)
    assert real_time_threads() == set()
