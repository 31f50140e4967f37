"""A training run and a test: loops, hooks, checkpoints of a run, processes, progress."""
