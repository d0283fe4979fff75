"""Optional parts of the package that a verb needs."""

from __future__ import annotations

from importlib.util import find_spec

from fivefold.errors import MissingExtraError

_NAMES = {"torch": "PyTorch", "accelerate": "Hugging Face accelerate", "av": "PyAV"}


def require(extra: str, *modules: str) -> None:
    """Make sure that modules are installed, without importing them.

    Args:
        extra: What installs them, as in ``pip install 'fivefold[extra]'``.
        modules: Their names.

    Raises:
        MissingExtraError: If one is not.
    """
    for module in modules:
        if find_spec(module) is None:
            raise MissingExtraError(_NAMES.get(module, module), extra)
