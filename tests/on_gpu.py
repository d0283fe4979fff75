"""Where GPU code is tested: on a GPU if there is one, else in Triton's interpreter on the CPU."""

from __future__ import annotations

import importlib
import os
from types import ModuleType

import pytest

torch = pytest.importorskip("torch")
HAS_GPU = torch.cuda.is_available()
DEVICE = torch.device("cuda" if HAS_GPU else "cpu")
on_gpu_only = pytest.mark.skipif(not HAS_GPU, reason="no GPU")

if not HAS_GPU:
    os.environ["TRITON_INTERPRET"] = "1"  # Triton asks for it when it is first imported


@pytest.fixture(scope="session")
def gpu() -> ModuleType:
    """:mod:`fivefold.kernels.triton`, ready to run on :data:`DEVICE`."""
    pytest.importorskip("triton")
    return importlib.import_module("fivefold.kernels.triton")
