"""What can go wrong in a test, looked at before any time is spent."""
import os
from typing import Any, Iterator, Optional

from torch import nn

from mmdet.datasets.frame_reader import read_frame
from mmdet.formats.frame_files import missing_files
from mmdet.datasets import ConcatDataset, CustomDataset, RepeatDataset
from mmdet.engine.test_loop import is_video_dataset


def check_output(path: str) -> str:
    """``path`` itself if results can be written there.

    Raises:
        ValueError: it does not end with ``.pkl`` or is a folder.
        PermissionError: nothing can be written there.
    """
    if not path.endswith(('.pkl', '.pickle')):
        raise ValueError(f'--out {path}: expected a name that ends with .pkl; '
                         'the json is written beside it as X.pkl.json')
    if os.path.isdir(path):
        raise ValueError(f'--out {path}: this is a folder; give the name of a file in it')
    folder = os.path.dirname(os.path.abspath(path))
    existing = folder
    while not os.path.exists(existing):
        existing = os.path.dirname(existing)
    if not os.path.isdir(existing) or not os.access(existing, os.W_OK | os.X_OK):
        raise PermissionError(f'--out {path}: {existing} cannot be written to; choose another place')
    os.makedirs(folder, exist_ok=True)
    return path


def check_checkpoint(path: Optional[str]) -> str:
    """``path`` itself if it is a URL or a file that exists.

    Raises:
        ValueError: none was named.
        FileNotFoundError: there is no such file.
    """
    if path is None:
        raise ValueError('no checkpoint given: name one after the config, or read an earlier '
                         'result with --load_result')
    if '://' not in path and not os.path.isfile(os.path.expanduser(path)):
        raise FileNotFoundError(f'{path}: no such checkpoint; training writes them as '
                                'WORK_DIR/epoch_N.pth')
    return path


def check_single(dataset: Any) -> None:
    """Refuse several annotation files at once, whose ids would mix (ValueError)."""
    if isinstance(dataset, ConcatDataset):
        raise ValueError('data.test lists several annotation files; test one at a time, with '
                         '--cfg-options data.test.ann_file=ONE.json')


def files_of(dataset: Any) -> Iterator[CustomDataset]:
    """The data sets of one annotation file each that ``dataset`` is made of."""
    if isinstance(dataset, ConcatDataset):
        for part in dataset.datasets:
            yield from files_of(part)
    elif isinstance(dataset, RepeatDataset):
        yield from files_of(dataset.dataset)
    elif isinstance(dataset, CustomDataset):
        yield dataset


def frame_paths(dataset: Any) -> list[str]:
    """Path of every frame that is an item, in order."""
    infos = (dataset.frame_info(int(place)) for place in dataset.places)
    return [os.path.join(dataset.img_prefix or '', info['filename']) for info in infos]


def check_frames(dataset: Any) -> None:
    """Look whether every frame is there; one listing a folder, no decoding.

    Raises:
        FileNotFoundError: frames are missing; tells how many and which is first.
    """
    paths = frame_paths(dataset)
    missing = missing_files(paths)
    if missing:
        raise FileNotFoundError(
            f'{dataset.ann_file}: {len(missing)} of {len(paths)} frames are missing, the first is '
            f'{missing[0]}; correct img_prefix ("{dataset.img_prefix}") or extract the frames')


def check_frame_sizes(dataset: Any, limit: int = 100) -> None:
    """Decode the first frame of up to ``limit`` videos and compare sizes with the file.

    Raises:
        ValueError: a frame has another size, or is no picture.
    """
    places = range(len(dataset))
    if is_video_dataset(dataset):
        firsts = {}
        for index, (video, _) in enumerate(dataset.img_ids):
            firsts.setdefault(video, index)
        places = list(firsts.values())
    for index in places[:limit]:
        read_frame(dataset.img_prefix, dataset.frame_info(int(dataset.places[index])),
                   dataset.ann_file)


def check_classes(detector: nn.Module, dataset: Any) -> None:
    """Compare the heads with the classes of the annotation file.

    Raises:
        ValueError: they were built for another number of classes.
    """
    expected = len(dataset.CLASSES) + 1
    for name in ('bbox_head', 'mask_head'):
        head = getattr(detector, name, None)
        for part in head if isinstance(head, nn.ModuleList) else [head]:
            count = getattr(part, 'num_classes', expected)
            if count != expected:
                raise ValueError(
                    f'{dataset.ann_file}: {len(dataset.CLASSES)} classes need num_classes={expected} '
                    f'(one more for the background), but {name} has {count}; correct num_classes '
                    'in the config, or test with the annotation file the model was trained for')
