"""The tracks of annotations and results side by side; masks are read and overlaid once."""
from collections import defaultdict
from collections.abc import Hashable, Sequence

import numpy as np

from mmdet.evaluation.track_iou import MaskTracks, Overlaps, overlaps
from mmdet.formats.entries import Id, num_frames
from mmdet.formats.ytvos import YTVOS
from mmdet.utils.errors import BadValue


class TrackPairs:
    """What every score starts from.

    Args:
        gt: the annotation index.
        dt: what ``gt.loadRes`` returned.
    """

    def __init__(self, gt: YTVOS, dt: YTVOS) -> None:
        self.gt, self.dt = gt, dt
        self._by_class = [self._group(index) for index in (gt, dt)]
        self._gt_masks: dict[Id, tuple[list[dict | None], np.ndarray]] = {}
        self._overlaps: dict[tuple[Id, Hashable, int], Overlaps] = {}

    @staticmethod
    def _group(index: YTVOS) -> dict[tuple[Id, Id], list[dict]]:
        groups: dict[tuple[Id, Id], list[dict]] = defaultdict(list)
        for ann in index.anns.values():
            groups[ann['video_id'], ann['category_id']].append(ann)
        return groups

    def select(self, vid_id: Id, cat_ids: Sequence[Id]) -> tuple[list[dict], list[dict]]:
        """Objects and result tracks of a video, by category, then in file order."""
        gts, dts = ([ann for cat in cat_ids for ann in groups.get((vid_id, cat), ())]
                    for groups in self._by_class)
        return gts, dts

    def read_objects(self, vid_ids: Sequence[Id]) -> None:
        """Read the masks of all objects of these videos in one go.

        Raises:
            ValueError: a mask is broken; names annotation and frame.
        """
        wanted = [ann for vid in vid_ids for ann in self.gt.vidToAnns.get(vid, ())
                  if ann['id'] not in self._gt_masks]
        for ann, masks in zip(wanted, self.gt.annsToRLEs(wanted)):
            self._gt_masks[ann['id']] = masks

    def gt_masks(self, gts: Sequence[dict], vid_id: Id) -> MaskTracks:
        """Masks of objects that ``read_objects`` has read."""
        rles, areas = [], np.zeros((len(gts), num_frames(self.gt.vids[vid_id])), np.int64)
        for row, gt in enumerate(gts):
            masks, areas[row] = self._gt_masks[gt['id']]
            rles.append(masks)
        return MaskTracks(rles, areas)

    def dt_masks(self, dts: Sequence[dict], vid_id: Id) -> MaskTracks:
        """Masks of result tracks, which ``loadRes`` has checked.

        Raises:
            ValueError: a track has none.
        """
        for dt in dts:
            if dt.get('segmentations') is None:
                raise BadValue(f'{self.dt.name}: track number {dt["id"] - 1} has no '
                               '"segmentations"; it can only be scored as "bbox"')
        areas = np.zeros((len(dts), num_frames(self.gt.vids[vid_id])), np.int64)
        for row, dt in enumerate(dts):
            areas[row] = [area or 0 for area in dt['areas']]
        return MaskTracks([dt['segmentations'] for dt in dts], areas)

    def overlaps(self, vid_id: Id, group: Hashable, gts: MaskTracks,
                 dts: MaskTracks) -> Overlaps:
        """:func:`overlaps` of a video and category (or other group), remembered.

        ``dts`` are all of the group, or so many of the best.
        """
        key = vid_id, group, len(dts.areas)
        if key not in self._overlaps:
            self._overlaps[key] = overlaps(dts, gts)
        return self._overlaps[key]
