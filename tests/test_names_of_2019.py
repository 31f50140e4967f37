"""Every name that an ``__init__`` of 2019 exported imports, or says what replaced it."""
import importlib
import importlib.util
import pathlib
import re

import pytest
import torch
from torch import nn

from mmdet.core import bbox2roi, multi_apply, roi2bbox, tensor2imgs, unmap
from mmdet.models.utils import ConvModule, bias_init_with_prob, build_norm_layer

ROOT = pathlib.Path(__file__).parents[1]
NAMES = {
    'core.anchor': 'AnchorGenerator anchor_target',
    'core.bbox': '''
        bbox_overlaps BaseAssigner MaxIoUAssigner AssignResult BaseSampler PseudoSampler
        RandomSampler InstanceBalancedPosSampler IoUBalancedNegSampler CombinedSampler
        SamplingResult build_assigner build_sampler assign_and_sample bbox2delta delta2bbox
        bbox_flip bbox_mapping bbox_mapping_back bbox2roi roi2bbox bbox2result bbox_target''',
    'core.mask': 'split_combined_polys mask_target',
    'core.loss': '''
        weighted_nll_loss weighted_cross_entropy weighted_binary_cross_entropy sigmoid_focal_loss
        weighted_sigmoid_focal_loss mask_cross_entropy smooth_l1_loss weighted_smoothl1
        accuracy''',
    'core.evaluation': '''
        voc_classes imagenet_det_classes imagenet_vid_classes coco_classes dataset_aliases
        get_classes coco_eval fast_eval_recall results2json ytvos_eval results2json_videoseg
        DistEvalHook DistEvalRecallHook CocoDistEvalRecallHook CocoDistEvalmAPHook
        average_precision eval_map print_map_summary eval_recalls print_recall_summary
        plot_num_recall plot_iou_recall''',
    'core.post_processing': '''
        multiclass_nms merge_aug_proposals merge_aug_bboxes merge_aug_scores merge_aug_masks''',
    'core.utils': 'allreduce_grads DistOptimizerHook tensor2imgs unmap multi_apply',
    'models': '''
        BACKBONES NECKS ROI_EXTRACTORS HEADS DETECTORS build_backbone build_neck
        build_roi_extractor build_head build_detector''',
    'models.backbones': 'ResNet ResNeXt SSDVGG',
    'models.necks': 'FPN',
    'models.roi_extractors': 'SingleRoIExtractor',
    'models.anchor_heads': 'AnchorHead RPNHead RetinaHead SSDHead',
    'models.bbox_heads': 'BBoxHead ConvFCBBoxHead SharedFCBBoxHead',
    'models.mask_heads': 'FCNMaskHead',
    'models.track_heads': 'TrackHead',
    'models.detectors': '''
        BaseDetector SingleStageDetector TwoStageDetector RPN FastRCNN FasterRCNN MaskRCNN
        CascadeRCNN RetinaNet''',
    'models.utils': '''
        ConvModule build_norm_layer xavier_init normal_init uniform_init kaiming_init
        bias_init_with_prob''',
    'datasets': '''
        CustomDataset XMLDataset CocoDataset VOCDataset YTVOSDataset GroupSampler
        DistributedGroupSampler build_dataloader to_tensor random_scale show_ann get_dataset
        ConcatDataset RepeatDataset ExtraAugmentation''',
    'datasets.loader': 'GroupSampler DistributedGroupSampler build_dataloader',
    'apis': '''
        init_dist get_root_logger set_random_seed train_detector inference_detector
        show_result''',
    'ops': 'nms soft_nms RoIAlign roi_align RoIPool roi_pool',
}
GONE = '''
    anchor_target BaseAssigner BaseSampler bbox_target split_combined_polys mask_target DistEvalHook
    DistEvalRecallHook CocoDistEvalRecallHook CocoDistEvalmAPHook plot_num_recall plot_iou_recall
    allreduce_grads DistOptimizerHook to_tensor random_scale show_ann ExtraAugmentation'''.split()
CONSTANTS = 'dataset_aliases', 'BACKBONES', 'NECKS', 'ROI_EXTRACTORS', 'HEADS', 'DETECTORS'
# core and models export what their folders export.
WHERE = [(f'mmdet.{room}', name) for room, names in NAMES.items() for name in names.split()]
WHERE += [(f'mmdet.{room.partition(".")[0]}', name) for room, names in NAMES.items()
          if '.' in room and room not in ('models.utils', 'datasets.loader')
          for name in names.split()]
# Where the folder has a module of the name of a function that is gone, that is what imports.
WHERE = [(package, name) for package, name in WHERE if name not in GONE
         or not (ROOT / package.replace('.', '/') / f'{name}.py').is_file()]


@pytest.mark.parametrize('package', sorted({package for package, _ in WHERE}))
def test_imports_or_says_what_replaced_it(package):
    module = importlib.import_module(package)
    for name in (name for where, name in WHERE if where == package):
        if name not in GONE:
            assert callable(getattr(module, name)) or name in CONSTANTS, name
            continue
        with pytest.raises(ImportError) as told:
            exec(f'from {package} import {name}')
        assert str(told.value).startswith(f'{package}.{name} of 2019 is gone; ')
        for path in re.findall(r'(?:mmdet|torch)\.[\w.]*\w', str(told.value).partition(';')[2]):
            home, _, last = path.rpartition('.')
            assert importlib.util.find_spec(path) if last == 'segmentations' else hasattr(
                importlib.import_module(home), last), path
        for path in re.findall(r'tools/[\w/.]+\.py', str(told.value)):
            assert (ROOT / path).is_file()


def test_the_page_lists_what_is_gone():
    page = (ROOT / '.github/docs/names.md').read_text()
    assert not [name for name in GONE if f'`{name}`' not in page]


def test_helpers_of_heads():
    big, small = multi_apply(lambda a, b, c: (a + b + c, a - b), [10, 20], [1, 2], c=100)
    assert (big, small) == ([111, 122], [9, 18])
    rows = torch.tensor([[1.5, 2], [3, 4]])
    for inds in (torch.tensor([1, 3]), torch.tensor([0, 1, 0, 1], dtype=torch.uint8)):
        assert unmap(rows, 4, inds, fill=-1).tolist() == [[-1, -1], [1.5, 2], [-1, -1], [3, 4]]
    boxes = [torch.tensor([[1., 2, 3, 4]]), torch.rand(2, 4)]
    assert all(map(torch.equal, roi2bbox(bbox2roi(boxes)), boxes)) and roi2bbox(rows[:0]) == []
    picture, = tensor2imgs(torch.ones(1, 3, 2, 2), mean=(1, 2, 3), std=(1, 1, 1))
    assert picture[0, 0].tolist() == [4, 3, 2]


def test_blocks_take_the_arguments_of_2019():
    block = ConvModule(3, 4, 3, padding=1, bias=False, normalize=dict(type='BN', frozen=True))
    assert {*block.state_dict()} >= {'conv.weight', 'bn.weight', 'bn.running_var'}
    assert not block.norm.weight.requires_grad and block.conv.weight.requires_grad
    x = torch.randn(1, 3, 5, 5)
    assert torch.equal(block(x), block.bn(block.conv(x)).relu())
    assert ConvModule(3, 4, 1).conv.bias is not None
    before = ConvModule(3, 4, 1, activate_last=False, activation='relu', inplace=False)
    assert torch.equal(before(x), before.conv(x.relu()))
    assert ConvModule(3, 4, 1, activation=None)(x).min() < 0
    name, layer = build_norm_layer(dict(type='GN', num_groups=2), 4, postfix=1)
    assert name == 'gn1' and isinstance(layer, nn.GroupNorm)
    assert bias_init_with_prob(0.01) == pytest.approx(-4.59512)


@pytest.mark.parametrize('package', ['mmdet.core', 'mmdet.core.evaluation'])
@pytest.mark.parametrize('name', ['ytvos_eval', 'coco_eval', 'results2json', 'eval_map'])
def test_evaluators_are_those_of_their_room(package, name):
    found = getattr(importlib.import_module(package), name)
    assert found.__name__ == name and name in dir(importlib.import_module(package))
    home = importlib.import_module(found.__module__.rpartition('.')[0])
    assert getattr(home, name) is found
