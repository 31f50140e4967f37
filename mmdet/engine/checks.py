"""What can go wrong in a test, looked at before any time is spent."""
import inspect
import logging
import os
from collections.abc import Callable, Sequence

from torch import nn

from mmdet.datasets.base import BaseDataset
from mmdet.formats.frame_files import missing_files
from mmdet.formats.result_files import ENDINGS
from mmdet.utils.errors import BadValue, CannotWrite, MissingFile


def check_types(wanted: Sequence[str], given: Sequence[str], dataset: BaseDataset) -> None:
    """Look whether results can be scored as ``--eval`` asks (ValueError)."""
    for kind in wanted:
        for name, types in (('the data set', dataset.result_types), ('the detector', given)):
            if kind not in types:
                raise BadValue(f'--eval {kind}: {name} has {", ".join(types) or "no scores"}; '
                               'choose among those')


def check_output(path: str) -> str:
    """``path`` itself if results can be written there.

    Raises:
        ValueError: it does not end with ``.pkl`` or ``.jsonl``, or is a folder.
        PermissionError: nothing can be written there.
    """
    if not path.endswith(ENDINGS):
        raise BadValue(f'--out {path}: expected a name that ends with .pkl or .jsonl; '
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
    if dataset.CLASSES is None:  # a list of images that names none
        return
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


GIVEN_BY = dict(gt_labels='with_label=True', gt_masks='with_mask=True',
                gt_bboxes_ignore='with_crowd=True', ref_img='with_track=True and videos',
                ref_bboxes='with_track=True and videos', gt_pids='with_track=True and videos',
                proposals='a proposal_file, e.g. what tools/test.py --out writes for an RPN')


def check_targets(detector: nn.Module, dataset: BaseDataset) -> None:
    """Look whether items hold what the detector trains on; reads one item of every annotation file.

    Raises:
        ValueError: something is missing, or the files have different things.
    """
    if not hasattr(detector, 'forward_train'):
        return
    needed = _required(detector.forward_train) - {'img', 'img_meta'}
    keys = {}
    for part in dataset.parts():
        keys[part.ann_file] = set(part[0])
        for key in sorted(needed - keys[part.ann_file]):
            raise BadValue(f'{part.ann_file}: {type(detector).__name__} trains on "{key}", which '
                           f'the items do not have; data.train needs {GIVEN_BY.get(key, key)}')
    first = next(iter(keys), None)
    for path, found in keys.items():
        for key in sorted(found ^ keys[first]):
            raise BadValue(f'{first} and {path}: the items of one have "{key}", those of the other '
                           'do not; files that train together need the same options')


def check_inputs(detector: nn.Module, dataset: BaseDataset) -> None:
    """Look whether items hold what the detector tests on (ValueError)."""
    detect = getattr(detector, 'detect', None)
    if detect is None or dataset.is_video or 'proposals' not in _required(detect):
        return
    if getattr(dataset, 'proposals', None) is None:
        raise BadValue(f'{dataset.ann_file}: {type(detector).__name__} tests on "proposals", which '
                       f'the items do not have; the data set needs {GIVEN_BY["proposals"]}')


def _required(method: Callable) -> set[str]:
    """Names of the arguments that have no default."""
    return {name for name, p in inspect.signature(method).parameters.items()
            if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD}


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
