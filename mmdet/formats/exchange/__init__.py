"""Other tools' formats: one form in memory, and a reader and writer of each around it."""
from mmdet.formats.exchange import coco, mask_folders, mots, result_tracks, ytvis  # noqa: F401  isort: skip
from mmdet.formats.exchange.labelling import cvat, label_studio, labelme  # noqa: F401  isort: skip
from mmdet.formats.exchange.conversion import Outcome, Wishes, convert
from mmdet.formats.exchange.format import (FORMATS, Format, Given, build_format,
                                           build_format_by_words, guess, readable, writable)
from mmdet.formats.exchange.tracks import Category, Contents, Mark, Track, Video, VideoBuilder

__all__ = ['FORMATS', 'Category', 'Contents', 'Format', 'Given', 'Mark', 'Outcome', 'Track',
           'Video', 'VideoBuilder', 'Wishes', 'build_format', 'build_format_by_words', 'convert',
           'guess', 'readable', 'writable']
