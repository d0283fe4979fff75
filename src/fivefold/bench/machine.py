"""What a measurement has to be read with: the machine and the versions."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fivefold import kernels
from fivefold.photo.threads import available_threads
from fivefold.version import VERSION

_PACKAGES = ("numpy", "simplejpeg", "onnxruntime", "tifffile", "torch")


def machine_facts() -> dict[str, object]:
    """Processor, instruction set, cores, memory, load, and the versions of what was measured."""
    return {
        "processor": _processor(),
        "instruction_set": kernels.instruction_set(),
        "cores": available_threads(),
        "memory_gb": round(_memory_bytes() / 1e9, 1),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "fivefold": VERSION,
        **{package: _version(package) for package in _PACKAGES},
    }


def _processor() -> str:
    """The processor's name, as the system tells it."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _memory_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # a system that does not say
        return 0


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
