"""A detector as a file that runs without this repository's model code."""
from mmdet.engine.export.exported import ExportedTracker, OnnxNetwork, TorchNetwork, open_network
from mmdet.engine.export.network import Found, Network
from mmdet.engine.export.verify import LIMITS, Difference, compare
from mmdet.engine.export.writers import FORMATS, write_network

__all__ = ['FORMATS', 'Difference', 'ExportedTracker', 'Found', 'LIMITS', 'Network',
           'OnnxNetwork', 'TorchNetwork', 'compare', 'open_network', 'write_network']
