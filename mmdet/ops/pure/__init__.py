"""The operators in plain PyTorch and NumPy: slower, same semantics, no compiler needed."""
