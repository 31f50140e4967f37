"""What of data sets of 2019 has no use any more: names of the package, methods to override."""
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

NAMES = dict(
    ExtraAugmentation='data sets build it from extra_aug; called with (img, objects, rng) it is '
                      'mmdet.datasets.extra_aug.ExtraAugmentation',
    random_scale='use mmdet.datasets.sampling.random_scale(scales, rng), which draws from a '
                 'generator of its item',
    show_ann='tools/analysis/browse_dataset.py draws what training sees',
    to_tensor='use torch.as_tensor')


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
