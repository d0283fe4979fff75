"""Tests of fivefold.kernels."""
