"""Where photos are enhanced: on the CPU, or on a GPU if one can be used."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from fivefold.errors import DeviceError, MissingExtraError

DEVICES = ("cpu", "cuda", "auto")


@dataclass(frozen=True, slots=True)
class Device:
    """A device that can be used.

    Attributes:
        kind: ``"cpu"`` or ``"cuda"``.
        name: For a person: ``"the CPU"``, or a GPU's model.
        reason: Why it is not the GPU, where ``"auto"`` was asked for; otherwise empty.
    """

    kind: str = "cpu"
    name: str = "the CPU"
    reason: str = ""


def choose_device(wanted: str) -> Device:
    """The device that was asked for.

    Args:
        wanted: ``"cpu"``; ``"cuda"``, a GPU or an error; or ``"auto"``, a GPU if one can be used.
            Only the last two load PyTorch.

    Raises:
        DeviceError: If ``"cuda"`` is asked for and no GPU can be used, with the reason.
        MissingExtraError: If ``"cuda"`` is asked for and PyTorch or Triton is not installed.
        ValueError: For another word.
    """
    if wanted not in DEVICES:
        raise ValueError(f"device must be one of {', '.join(DEVICES)}, received {wanted!r}")
    if wanted == "cpu":
        return Device()
    try:
        return Device("cuda", _gpu_name())
    except (DeviceError, MissingExtraError) as error:
        if wanted == "cuda":
            raise
        return Device(reason=str(error))


def _gpu_name() -> str:
    for module, part in (("torch", "PyTorch"), ("triton", "Triton")):
        if find_spec(module) is None:
            raise MissingExtraError(part, "gpu")
    import torch

    if torch.version.cuda is None:
        raise DeviceError(f"cuda: PyTorch {torch.__version__} is installed without support for it")
    if not torch.cuda.is_available():
        raise DeviceError("cuda: no NVIDIA GPU with a working driver was found")
    try:
        return torch.cuda.get_device_name()
    except RuntimeError as error:
        raise DeviceError(f"cuda: {str(error).splitlines()[0]}") from error
