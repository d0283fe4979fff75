"""The full-resolution pass on a GPU, in Triton: forward for photos and training, and backward.

Import it late: it loads torch and Triton. :mod:`fivefold.kernels.reference` defines what it
computes; it is float32 throughout, whatever the pixels' type.
"""

from fivefold.kernels.triton.backward import render_backward
from fivefold.kernels.triton.forward import pack_guide, render, render_pixels

__all__ = ["pack_guide", "render", "render_backward", "render_pixels"]
