"""The paper's network in PyTorch, one concept a file."""
