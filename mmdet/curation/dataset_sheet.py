"""Pictures of a data set: how it is distributed, and what is drawn over its frames."""
import os
from typing import Any, Optional

import cv2
import numpy as np

from mmdet.formats.ytvos import YTVOS
from mmdet.visualization.draw import draw_tracks, upscale_factor
from mmdet.visualization.strip import contact_strip


def histograms(statistics: dict[str, Any], path: str) -> None:
    """Write a picture of class balance, lengths and sizes.

    Args:
        statistics: see :func:`mmdet.curation.audit.statistics`.
        path: a .png, .pdf or .svg.
    """
    import matplotlib
    matplotlib.use('Agg')
    from matplotlib import pyplot as plt
    classes = sorted(statistics['classes'], key=lambda c: -c['objects'])
    figure, axes = plt.subplots(2, 2, figsize=(14, 9), layout='constrained')
    places = np.arange(len(classes))
    axes[0, 0].bar(places, [c['objects'] for c in classes])
    axes[0, 0].set_xticks(places, [c['name'] for c in classes], rotation=90, fontsize=8)
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
    figure.savefig(path, dpi=100)
    plt.close(figure)


def annotated_frame(ytvos: YTVOS, vid_id: Any, frame: int,
                    img_prefix: str) -> Optional[np.ndarray]:
    """A frame with its masks, class names and annotation ids drawn; None if unreadable.

    Returns:
        uint8 (h, w, 3), BGR, enlarged when the frame is small.
    """
    video = ytvos.vids[vid_id]
    image = cv2.imread(os.path.join(img_prefix, video['file_names'][frame]))
    if image is None or image.shape[:2] != (video['height'], video['width']):
        return None
    anns = [ann for ann in ytvos.vidToAnns.get(vid_id, ()) if ann['segmentations'][frame]]
    masks = [ytvos.annToMask(ann, frame) for ann in anns]
    boxes = np.zeros((len(anns), 5))
    for row, mask in enumerate(masks):
        x, y, width, height = cv2.boundingRect(mask)
        boxes[row] = x, y, x + width - 1, y + height - 1, 1
    order = {cat: place for place, cat in enumerate(ytvos.cats)}
    names = [str(cat.get('name', key)) for key, cat in ytvos.cats.items()]
    return draw_tracks(image, boxes, [order[ann['category_id']] for ann in anns],
                       list(range(len(anns))), masks, names, upscale_factor(*image.shape[:2]))


def contact_sheet(ytvos: YTVOS, img_prefix: str, count: int = 12) -> Optional[np.ndarray]:
    """Frames of evenly chosen videos with masks drawn; None if none can be read.

    From each video the frame with most objects is taken.
    """
    with_objects = [vid for vid in ytvos.vids if ytvos.vidToAnns.get(vid)
                    and ytvos.vids[vid].get('file_names')]
    if not with_objects:
        return None
    picks = np.unique(np.linspace(0, len(with_objects) - 1, count).round().astype(int))
    frames = []
    for vid in (with_objects[i] for i in picks):
        shown = [sum(bool(ann['segmentations'][t]) for ann in ytvos.vidToAnns[vid])
                 for t in range(len(ytvos.vids[vid]['file_names']))]
        frames.append(annotated_frame(ytvos, vid, int(np.argmax(shown)), img_prefix))
    frames = [frame for frame in frames if frame is not None]
    return contact_strip(frames) if frames else None
