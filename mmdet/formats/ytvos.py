"""Index of a YouTube-VIS annotation file."""
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from pycocotools import mask as mask_utils

from mmdet.formats.annotation_checks import check_dataset
from mmdet.formats.entries import Id, mean_area
from mmdet.formats.json_files import read_json
from mmdet.formats.result_files import ENDINGS
from mmdet.formats.rle import BadMask
from mmdet.formats.segmentations import to_rle_tracks, to_rles
from mmdet.formats.track_results import load_tracks
from mmdet.utils.errors import BadKey, BadValue


def _as_set(ids: Any) -> set:
    if isinstance(ids, (list, tuple, set, frozenset, range, np.ndarray)):
        return set(ids)
    return {ids}


class YTVOS:
    """Videos, categories and tracks of an annotation file, by id.

    Reads YouTube-VIS 2019, 2021 and 2022 and OVIS; masks may be polygons,
    compressed or uncompressed RLE, or null. Nothing is decoded here and no
    entry of the file is ever changed. A file without annotations (the public
    validation sets) has empty ``anns``.

    Args:
        annotation_file: path of the json, or its parsed content; None makes an
            empty index.
        object_hook: see ``read_json``; used while a path is read.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no annotation file of this kind, or one that contradicts
            itself; the message names the entry.

    Attributes:
        dataset: the parsed file. ``videos``, ``categories`` and
            ``annotations`` are its lists.
        anns, vids, cats: annotation, video and category entries by id.
        vidToAnns: annotations by video id.
        catToVids: video ids by category id, one for each annotation.
    """

    def __init__(self, annotation_file: str | os.PathLike | dict | None = None,
                 object_hook: Callable[[dict], Any] | None = None) -> None:
        self.name = 'annotations'
        if annotation_file is None:
            annotation_file = dict(videos=[], categories=[], annotations=[])
        if isinstance(annotation_file, (str, os.PathLike)):
            self.name = os.fspath(annotation_file)
            self.dataset: dict = read_json(self.name, object_hook)
        else:
            self.dataset = annotation_file
        check_dataset(self.dataset, self.name)
        self.createIndex()

    def createIndex(self) -> None:
        """Build the dictionaries by id."""
        annotations = self.dataset.get('annotations') or []
        self.vids: dict[Id, dict] = {video['id']: video for video in self.dataset['videos']}
        self.cats: dict[Id, dict] = {cat['id']: cat for cat in self.dataset['categories']}
        self.anns: dict[Id, dict] = {ann['id']: ann for ann in annotations}
        self.vidToAnns: dict[Id, list[dict]] = defaultdict(list)
        self.catToVids: dict[Id, list[Id]] = defaultdict(list)
        for ann in annotations:
            self.vidToAnns[ann['video_id']].append(ann)
            self.catToVids[ann['category_id']].append(ann['video_id'])

    def getAnnIds(self, vidIds: Any = (), catIds: Any = (), areaRng: Iterable = (),
                  iscrowd: bool | None = None) -> list[Id]:
        """Ids of the annotations that pass every filter given.

        Args:
            vidIds: one video id or several; empty: all.
            catIds: one category id or several; empty: all.
            areaRng: (low, high), exclusive, for the mean area in pixels over
                the frames that have one; empty: all.
            iscrowd: keep only crowds, or only others; None: all.
        """
        vid_ids, cat_ids, area = _as_set(vidIds), _as_set(catIds), tuple(areaRng)
        anns: Iterable[dict] = self.anns.values()
        if vid_ids:
            anns = [ann for vid in self.vids if vid in vid_ids
                    for ann in self.vidToAnns.get(vid, ())]
        return [
            ann['id'] for ann in anns
            if (not cat_ids or ann['category_id'] in cat_ids)
            and (iscrowd is None or bool(ann.get('iscrowd', 0)) == bool(iscrowd))
            and (not area or area[0] < mean_area(ann.get('areas') or ()) < area[1])
        ]

    def getCatIds(self, catNms: Any = (), supNms: Any = (), catIds: Any = ()) -> list[Id]:
        """Ids of the categories of these names, super-categories and ids."""
        names, supers, ids = _as_set(catNms), _as_set(supNms), _as_set(catIds)
        return [
            cat['id'] for cat in self.cats.values()
            if (not names or cat.get('name') in names)
            and (not supers or cat.get('supercategory') in supers)
            and (not ids or cat['id'] in ids)
        ]

    def getVidIds(self, vidIds: Any = (), catIds: Any = ()) -> list[Id]:
        """Ids of the videos listed in ``vidIds`` that show every one of ``catIds``."""
        wanted, cat_ids = _as_set(vidIds), _as_set(catIds)
        shown = [set(self.catToVids.get(cat, ())) for cat in cat_ids]
        return [
            vid for vid in self.vids
            if (not wanted or vid in wanted) and all(vid in vids for vids in shown)
        ]

    def loadAnns(self, ids: Any = ()) -> list[dict]:
        """Annotation entries of one id or several."""
        return self._entries(self.anns, ids, 'annotation')

    def loadCats(self, ids: Any = ()) -> list[dict]:
        """Category entries of one id or several."""
        return self._entries(self.cats, ids, 'category')

    def loadVids(self, ids: Any = ()) -> list[dict]:
        """Video entries of one id or several."""
        return self._entries(self.vids, ids, 'video')

    def _entries(self, index: dict[Id, dict], ids: Any, what: str) -> list[dict]:
        if not isinstance(ids, (list, tuple, set, range, np.ndarray)):
            ids = [ids]
        for key in ids:
            if key not in index:
                raise BadKey(f'{self.name} has no {what} {key!r}')
        return [index[key] for key in ids]

    def loadRes(self, resFile: str | os.PathLike | list) -> 'YTVOS':
        """Index results against this file's videos and categories.

        Args:
            resFile: path of a result json, or its content; see
                :func:`~.track_results.load_tracks`.

        Returns:
            an index whose annotations are the result tracks.

        Raises:
            FileNotFoundError: no such file.
            ValueError: one sentence with the track that is wrong and why.
        """
        if isinstance(resFile, (str, os.PathLike)) and os.fspath(resFile).endswith(ENDINGS):
            raise BadValue(f'{resFile}: what was found in every frame; the tracks to score are '
                           f'in the json written beside it, {resFile}.json')
        tracks = load_tracks(resFile, self.vids, self.cats)
        results = YTVOS.__new__(YTVOS)
        results.name = 'results' if isinstance(resFile, list) else os.fspath(resFile)
        results.dataset = dict(self.dataset, annotations=tracks)
        results.createIndex()
        return results

    def annToRLE(self, ann: dict, frame_id: int) -> dict | None:
        """The mask of a track in a frame as compressed RLE.

        Args:
            ann: an entry of ``anns``.
            frame_id: index of the frame in its video.

        Returns:
            ``{'size': [h, w], 'counts': ...}``; None where the track is absent.

        Raises:
            ValueError: the mask is broken or of another size than the video.
        """
        video = self.vids[ann['video_id']]
        try:
            rles, _ = to_rles([ann['segmentations'][frame_id]], (video['height'], video['width']))
        except BadMask as error:
            raise BadValue(f'{self.name}: annotation {ann["id"]}, frame {frame_id}: '
                           f'{error}') from None
        return rles[0]

    def annsToRLEs(self, anns: Sequence[dict]) -> list[tuple[list[dict | None], np.ndarray]]:
        """All masks of many tracks at once, much faster than one by one.

        Returns:
            for each of ``anns`` what ``annToRLE`` gives in every frame, and
            (F,) int64 areas in pixels, 0 without a mask.

        Raises:
            ValueError: as ``annToRLE``.
        """
        videos = [self.vids[ann['video_id']] for ann in anns]
        try:
            return to_rle_tracks([(ann['segmentations'], (video['height'], video['width']))
                                  for ann, video in zip(anns, videos)])
        except BadMask as error:
            track, frame = error.index
            raise BadValue(f'{self.name}: annotation {anns[track]["id"]}, frame {frame}: '
                           f'{error}') from None

    def annToMask(self, ann: dict, frame_id: int) -> np.ndarray:
        """The mask of a track in a frame: uint8 (h, w) of 0 and 1; all 0 if absent."""
        video = self.vids[ann['video_id']]
        rle = self.annToRLE(ann, frame_id)
        if rle is None:
            return np.zeros((video['height'], video['width']), np.uint8)
        return mask_utils.decode(rle)
