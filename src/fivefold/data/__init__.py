"""Pairs of inputs and retouched versions, and where they come from."""
