"""Pictures of a data set: how it is distributed, and what is drawn over its frames."""
import os
from typing import Any

import cv2
import numpy as np

from mmdet.formats.pictures import read_picture
from mmdet.formats.ytvos import YTVOS
from mmdet.utils.errors import BadValue, MissingFile, printable
from mmdet.visualization.draw import draw_tracks, upscale_factor
from mmdet.visualization.figures import write_figure
from mmdet.visualization.strip import contact_strip, spread

MAX_BARS = 100  # of the classes with most objects; names of more cannot be read


def histograms(statistics: dict[str, Any], path: str) -> None:
    """Write a picture of class balance, lengths and sizes.

    Args:
        statistics: see :func:`mmdet.curation.audit.statistics`.
        path: a .png, .pdf or .svg.
    """
    from matplotlib.figure import Figure  # takes most of a second
    from matplotlib.ticker import MaxNLocator
    classes = sorted(statistics['classes'], key=lambda c: -c['objects'])[:MAX_BARS]
    figure = Figure(figsize=(14, 9), layout='constrained')
    axes = figure.subplots(2, 2)
    places = np.arange(len(classes))
    axes[0, 0].bar(places, [c['objects'] for c in classes])
    names = [printable(c['name'], 60) for c in classes]
    axes[0, 0].set_xticks(places, names, rotation=90, fontsize=8)
    axes[0, 0].set(title='objects of each class', ylabel='objects')
    for axis, key, title, unit in (
            (axes[0, 1], 'track_lengths', 'frames in which an object is seen', 'frames'),
            (axes[1, 0], 'objects_per_video', 'objects in a video', 'objects'),
            (axes[1, 1], 'mask_sides', 'size of masks', 'square root of the area, pixels')):
        values = np.array(statistics[key], float)
        whole = key != 'mask_sides' and len(values) and values.max() <= 60
        axis.hist(values, bins=np.arange(-.5, values.max() + 1.5) if whole else 40)
        axis.set(title=title, xlabel=unit)
    axes[1, 1].axvline(128, color='black', linestyle=':', label='small | medium | large')
    axes[1, 1].axvline(256, color='black', linestyle=':')
    axes[1, 1].legend()
    for axis in axes.flat:
        axis.yaxis.set_major_locator(MaxNLocator(integer=True))
        if axis is not axes[0, 0]:  # which has names
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    write_figure(figure, path)


def annotated_frame(ytvos: YTVOS, vid_id: Any, frame: int, img_prefix: str) -> np.ndarray | None:
    """A frame with its masks, class names and annotation ids drawn; None if unreadable.

    The id gives the colour too, so an object has the same in every frame.

    Returns:
        uint8 (h, w, 3), BGR, enlarged when the frame is small.
    """
    video = ytvos.vids[vid_id]
    try:
        image = read_picture(os.path.join(img_prefix, video['file_names'][frame]))
    except (BadValue, MissingFile):
        return None
    if image.shape[:2] != (video['height'], video['width']):
        return None
    anns = [ann for ann in ytvos.vidToAnns.get(vid_id, ()) if ann['segmentations'][frame]]
    masks = [ytvos.annToMask(ann, frame) for ann in anns]
    boxes = np.zeros((len(anns), 4))
    for row, mask in enumerate(masks):
        x, y, width, height = cv2.boundingRect(mask)
        boxes[row] = x, y, x + width - 1, y + height - 1
    order = {cat: place for place, cat in enumerate(ytvos.cats)}
    names = [str(cat.get('name', key)) for key, cat in ytvos.cats.items()]
    return draw_tracks(image, boxes, [order[ann['category_id']] for ann in anns],
                       [ann['id'] for ann in anns], masks, class_names=names,
                       scale=upscale_factor(*image.shape[:2]))


def contact_sheet(ytvos: YTVOS, img_prefix: str, videos: int = 12,
                  frames: int = 1) -> np.ndarray | None:
    """Frames of evenly chosen videos with masks drawn; None if none can be read.

    Args:
        ytvos: the annotation index.
        img_prefix: folder of the frames.
        videos: how many, of those that show an object.
        frames: of each video, in a row: spread over those that show the object seen longest;
            1: the one with most objects.
    """
    with_objects = [vid for vid in ytvos.vids if ytvos.vidToAnns.get(vid)
                    and ytvos.vids[vid].get('file_names')]
    chosen = {vid: _choose_frames(ytvos, vid, frames) for vid in spread(with_objects, videos)}
    shown = [annotated_frame(ytvos, vid, t, img_prefix) for vid in chosen for t in chosen[vid]]
    shown = [frame for frame in shown if frame is not None]
    columns = max(map(len, chosen.values()), default=1)
    return contact_strip(shown, columns if columns > 1 else None) if shown else None


def _choose_frames(ytvos: YTVOS, vid_id: Any, count: int) -> list[int]:
    times = range(len(ytvos.vids[vid_id]['file_names']))
    if count > 1:
        seen = [[t for t in times if ann['segmentations'][t]] for ann in ytvos.vidToAnns[vid_id]]
        return spread(max(seen, key=len) or times, count)
    return [max(times, key=lambda t: sum(bool(ann['segmentations'][t])
                                         for ann in ytvos.vidToAnns[vid_id]))]
