"""Data sets: annotation index, sampling of frame pairs, transforms, loading."""
