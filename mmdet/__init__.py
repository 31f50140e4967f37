"""MaskTrack R-CNN (arXiv:1905.04804): video instance segmentation on current PyTorch."""

__version__ = '1.0.0'
