"""MaskTrack R-CNN (arXiv:1905.04804): video instance segmentation on current PyTorch."""
import os

# Compute threads spin for some microseconds at a barrier, then sleep. On two cores
# alone a training step takes 0.43 s so, 0.55 s if they sleep at once; beside another
# busy process 1.7 s, where they would otherwise spin for 10 s. Read when torch is first
# imported, so import mmdet before it.
if 'OMP_WAIT_POLICY' not in os.environ:
    os.environ['OMP_WAIT_POLICY'] = 'PASSIVE'
    os.environ.setdefault('GOMP_SPINCOUNT', '10000')
# Of one picture: 400 MB decoded. Read when OpenCV is first imported.
os.environ.setdefault('OPENCV_IO_MAX_IMAGE_PIXELS', str(2**27))

__version__ = '1.0.0'
