"""MaskTrack R-CNN (arXiv:1905.04804): video instance segmentation on current PyTorch."""
import os

# Compute threads sleep at a barrier instead of spinning. Beside any other busy
# process on two cores a frame then takes 0.12 s instead of 0.45 s. Read when
# torch is first imported, so import mmdet before it.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

__version__ = '1.0.0'
