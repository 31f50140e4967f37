"""Methods that a data set of 2019 overrode and that nobody calls any more."""
from mmdet.utils.errors import BadType

_ITEM = ('override sample(index, rng): it returns the same keys as plain tensors, the picture '
         'neither normalised nor padded, and draws from rng; BaseDataset lists them')
REPLACED = {
    'prepare_train_img': _ITEM,
    'prepare_test_img': _ITEM,
    '_parse_ann_info': 'override get_ann_info(idx), which returns the same dict',
    '_rand_another': 'override _filter_imgs(), which chooses the images that train before they '
                     'are asked for',
    '_set_group_flag': 'set self.flag after super().__init__(...)',
}


def refuse_unused(cls: type) -> None:
    """Refuse a subclass whose override would be ignored.

    ``load_annotations``, ``get_ann_info``, ``load_proposals`` and ``_filter_imgs`` are called
    as in 2019.

    Raises:
        TypeError: it names the method and what takes its place.
    """
    for name, remedy in REPLACED.items():
        if hasattr(cls, name):
            raise BadType(f'{cls.__name__}: {name} of 2019 is not called any more; {remedy}')
