"""What happens around the steps, one file per hook.

The methods are those of mmengine's hooks, so that its hooks work beside ours in
``custom_hooks``.
"""
from mmdet.engine.hooks.ema import EmaHook
from mmdet.engine.hooks.log import LogHook
from mmdet.engine.hooks.lr import LrHook
from mmdet.engine.hooks.skipped import SkippedHook
from mmdet.engine.hooks.stop import STOPPING, StopHook, TrainingInterrupted

__all__ = ['STOPPING', 'EmaHook', 'LogHook', 'LrHook', 'SkippedHook', 'StopHook',
           'TrainingInterrupted']
