"""What can go wrong in a test, looked at before any time is spent."""
import logging
import os
from collections.abc import Sequence

from torch import nn

from mmdet.datasets.base import BaseDataset
from mmdet.formats.frame_files import missing_files
from mmdet.utils.errors import BadValue, CannotWrite, MissingFile


def check_output(path: str) -> str:
    """``path`` itself if results can be written there.

    Raises:
        ValueError: it does not end with ``.pkl`` or is a folder.
        PermissionError: nothing can be written there.
    """
    if not path.endswith(('.pkl', '.pickle')):
        raise BadValue(f'--out {path}: expected a name that ends with .pkl; '
                         'the json is written beside it as X.pkl.json')
    if os.path.isdir(path):
        raise BadValue(f'--out {path}: this is a folder; give the name of a file in it')
    folder = os.path.dirname(os.path.abspath(path))
    existing = folder
    while not os.path.exists(existing):
        existing = os.path.dirname(existing)
    if not os.path.isdir(existing) or not os.access(existing, os.W_OK | os.X_OK):
        raise CannotWrite(f'--out {path}: {existing} cannot be written to; choose another place')
    os.makedirs(folder, exist_ok=True)
    return path


def check_checkpoint(path: str | None) -> str:
    """``path`` itself if it is a URL or a file that exists.

    Raises:
        ValueError: none was named, or a config was.
        FileNotFoundError: there is no such file.
    """
    if path is None:
        raise BadValue('no checkpoint given: name one after the config, or read an earlier '
                         'result with --load_result')
    if path.endswith('.py'):
        raise BadValue(f'{path}: this is no checkpoint; the config comes first, then the '
                       'checkpoint')
    if '://' not in path and not os.path.isfile(os.path.expanduser(path)):
        raise MissingFile(f'{path}: no such checkpoint; training writes them as '
                                'WORK_DIR/epoch_N.pth')
    return path


def check_single(dataset: BaseDataset) -> None:
    """Refuse several annotation files at once, whose ids would mix (ValueError)."""
    if len(list(dataset.parts())) > 1:
        raise BadValue('data.test lists several annotation files; test one at a time, with '
                       '--cfg-options data.test.ann_file=ONE.json')


def check_frames(dataset: BaseDataset) -> None:
    """Look whether all frames are there, and whether some have the stated size."""
    for part in dataset.parts():
        check_presence(part)
        check_sizes(part)


def check_presence(dataset: BaseDataset) -> None:
    """Look whether every frame is there; one listing per folder, no decoding.

    Raises:
        FileNotFoundError: frames are missing; tells how many and which is first.
    """
    paths = [os.path.join(dataset.img_prefix or '', dataset.item_info(i)['filename'])
             for i in range(len(dataset))]
    missing = missing_files(paths)
    if len(missing) > dataset.skip_broken:
        raise MissingFile(
            f'{dataset.ann_file}: {len(missing)} of {len(paths)} frames are missing, the first is '
            f'{missing[0]}; correct img_prefix ("{dataset.img_prefix}") or extract the frames')


def check_sizes(dataset: BaseDataset, limit: int = 100) -> None:
    """Decode the first frame of up to ``limit`` videos and compare sizes with the file.

    Raises:
        ValueError: a frame has another size, or is no picture.
    """
    indices = range(len(dataset))
    if dataset.is_video:
        indices = [frames[0] for frames in dataset.videos().values()]
    broken = 0
    for index in indices[:limit]:
        try:
            dataset.picture(index)
        except (BadValue, MissingFile):
            broken += 1
            if broken > dataset.skip_broken:
                raise


def check_classes(detector: nn.Module, dataset: BaseDataset) -> None:
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
                raise BadValue(
                    f'{dataset.ann_file}: {len(dataset.CLASSES)} classes need '
                    f'num_classes={expected} (one more for the background), but {name} has '
                    f'{count}; correct num_classes in the config, or test with the annotation '
                    'file the model was trained for')


def check_trained_classes(names: Sequence[str] | None, dataset: BaseDataset,
                          logger: logging.Logger) -> None:
    """Compare the classes a checkpoint was trained with with those of a data set, in order.

    Raises:
        ValueError: the same names in another order: every label would be another class.
    """
    trained, here = ([str(name).replace('_', ' ').lower() for name in part or ()]
                     for part in (names, dataset.CLASSES))
    place = next((i for i, (a, b) in enumerate(zip(trained, here)) if a != b), None)
    if place is None:
        return
    said = (f'{dataset.ann_file}: label {place} is "{dataset.CLASSES[place]}", the checkpoint was '
            f'trained with "{names[place]}" there')
    if sorted(trained) == sorted(here):
        raise BadValue(f'{said}; the labels are in another order (they follow the category ids): '
                       'give the categories the ids they had')
    logger.warning(f'{said}; scores mean nothing unless the classes are the same under other names')
