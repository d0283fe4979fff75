"""Enhancing on a GPU: the network in PyTorch, the full-resolution pass in Triton.

Import it late, and only where a GPU was asked for: it loads torch.
"""
