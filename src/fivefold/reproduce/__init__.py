"""The paper's eight runs and five exhibits, and which of its findings they confirm."""

from fivefold.reproduce.study import reproduce

__all__ = ["reproduce"]
