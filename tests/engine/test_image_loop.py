"""Images through the test loop: proposals, what is scored or missing, a process that fails."""
import types

import numpy as np
import pytest
import torch
from torch import nn

from mmdet.datasets.base import BaseDataset
from mmdet.engine import distribution, test_loop
from mmdet.engine.checks import check_inputs, check_targets, check_types
from mmdet.engine.distribution import OtherProcessFailed, together
from mmdet.engine.test_loop import detect_dataset, evaluate_detector, result_types
from mmdet.evaluation.voc import score_records
from mmdet.formats import results2json
from mmdet.formats.results import by_stage
from mmdet.models.detectors.base import BaseDetector

CPU = torch.device('cpu')


class Boxes(BaseDataset):
    """Two images of 8x8 with one box each and one proposal, a pixel off in the second."""
    ann_file, CLASSES, img_norm_cfg = 'boxes.json', ('a',), dict(mean=[0] * 3, std=[1] * 3)
    result_types = 'bbox', 'proposal_fast'
    img_ids, cat_ids, places, proposals = [7, 8], [1], [0, 1], ()
    box = np.float32([[1, 1, 4, 4]])

    def __len__(self):
        return 2

    def sample(self, index, rng):
        return dict(img=torch.zeros(8, 8, 3, dtype=torch.uint8), img_meta=dict(shift=index),
                    proposals=torch.from_numpy(self.box + index))

    def has_annotations(self):
        return True

    def get_ann_info(self, idx):
        return dict(bboxes=self.box, labels=np.array([1]))

    def write(self, results, out_file, track_score='mean'):
        self.written = results
        return results2json(self, results, out_file)

    def score_file(self, path, kind, logger=None):
        import json
        return score_records(json.load(open(path)), kind, self)


class FromProposals(nn.Module):
    """Says that every proposal is an object of the first class."""

    def __init__(self):
        super().__init__()
        self.bbox_head = nn.Linear(1, 1)

    def forward_train(self, img, img_meta, gt_bboxes, proposals, gt_bboxes_ignore=None):
        return dict(loss=img.sum())

    def detect(self, img, img_meta, proposals):
        assert proposals.device == img.device and img.shape == (1, 3, 32, 32)
        return [np.hstack([proposals.cpu().numpy(), [[0.9]]])]


class Staged(FromProposals):
    """A cascade that keeps its stages; the ensemble is right, the stage is not."""

    def detect(self, img, img_meta, proposals):
        found = super().detect(img, img_meta, proposals)
        return dict(ensemble=found, stage0=[boxes[:0] for boxes in found])


@pytest.fixture
def images():
    dataset = Boxes()
    dataset.size_divisor = 32
    return dataset


def test_a_detector_gets_the_proposals_of_the_item(images):
    first, second = detect_dataset(FromProposals(), images, CPU)
    assert first[0].tolist() == [[1, 1, 4, 4, np.float64(0.9)]] and second[0][0, 0] == 2


def test_proposals_go_to_the_device_with_the_picture(pretend, images):
    here = detect_dataset(FromProposals(), images, CPU)
    there = detect_dataset(FromProposals().to(pretend.device), images, pretend.device, workers=0)
    assert [r[0].tolist() for r in there] == [r[0].tolist() for r in here]


def test_two_processes_share_the_images(images, monkeypatch):
    alone = detect_dataset(FromProposals(), images, CPU)
    parts, all_of_them = {}, []
    for rank in (1, 0):
        monkeypatch.setattr(test_loop, 'rank_and_world', lambda: (rank, 2))
        monkeypatch.setattr(test_loop, 'gather_dicts',
                            lambda found: (parts.update(found), parts if rank == 0 else None)[1])
        all_of_them.append(detect_dataset(FromProposals(), images, CPU))
        assert list(parts) == ([1] if rank else [1, 0])
    assert all_of_them[0] is None
    assert [r[0].tolist() for r in all_of_them[1]] == [r[0].tolist() for r in alone]


def test_what_the_detector_gives_is_scored(images):
    scores = evaluate_detector(FromProposals(), images, CPU)
    assert list(scores) == ['bbox'] and scores['bbox']['mAP'] == pytest.approx(0.5)
    evaluate_detector(Staged(), images, CPU)
    assert [len(result[0]) for result in images.written] == [1, 1]
    recall = evaluate_detector(FromProposals(), images, CPU, types=['proposal_fast'])
    assert recall['proposal_fast']['AR@1000'] == 0.5


def detector_with(*heads, **more):
    return types.SimpleNamespace(**dict.fromkeys(heads, 1), **more)


COCO = types.SimpleNamespace(result_types=('segm', 'bbox', 'proposal', 'proposal_fast'),
                             is_video=False)


@pytest.mark.parametrize('detector, kinds', [
    (detector_with('rpn_head', 'bbox_head', 'mask_head'), ['segm', 'bbox']),
    (detector_with('rpn_head', 'bbox_head', mask_head=None), ['bbox']),
    (detector_with('rpn_head'), ['proposal_fast']),
    (detector_with(result_types=['segm']), ['segm'])])
def test_what_validation_scores(detector, kinds):
    assert result_types(detector, COCO) == kinds


def test_nothing_to_score_is_told_before(images):
    videos = types.SimpleNamespace(result_types=('segm', 'bbox'), is_video=True)
    assert result_types(detector_with('bbox_head', 'mask_head'), videos) == ['segm']
    with pytest.raises(ValueError, match='gives proposal, proposal_fast, but .* can score segm'):
        result_types(detector_with('rpn_head'), videos)
    with pytest.raises(ValueError, match='--eval segm: the detector has bbox; choose'):
        check_types(['segm'], ['bbox'], COCO)


def test_stages_of_a_cascade():
    assert by_stage([1, 2]) == {'': [1, 2]} and by_stage([]) == {'': []}
    assert by_stage([dict(a=1, b=2), dict(a=3, b=4)]) == dict(a=[1, 3], b=[2, 4])
    with pytest.raises(ValueError, match=r'image 1 has other stages than the first \(a\)'):
        by_stage([dict(a=1), [2]])


def test_what_training_needs_is_looked_at_before_the_first_step(images):
    with pytest.raises(ValueError, match='boxes.json: FromProposals trains on "gt_bboxes"'):
        check_targets(FromProposals(), images)
    images.sample = lambda index, rng: dict(img=0, img_meta=0, gt_bboxes=0)
    with pytest.raises(ValueError, match='"proposals", which.*data.train needs a proposal_file'):
        check_targets(FromProposals(), images)
    images.proposals = None
    with pytest.raises(ValueError, match='FromProposals tests on "proposals"'):
        check_inputs(FromProposals(), images)


def test_files_that_train_together_have_the_same_things(images):
    other = Boxes()
    other.ann_file = 'other.json'
    other.sample = lambda index, rng: dict(img=0, img_meta=0, gt_masks=0)
    images.parts = lambda: iter([images, other])
    plain = types.SimpleNamespace(forward_train=lambda img, img_meta: None)
    with pytest.raises(ValueError, match='boxes.json and other.json: .* "gt_masks", those'):
        check_targets(plain, images)


class BoxesOnly(BaseDetector):
    def __init__(self):
        nn.Module.__init__(self)

    def forward_train(self, img, img_meta, gt_bboxes):
        return dict(loss=img.sum() + len(gt_bboxes))


def test_a_target_that_is_not_trained_on_is_ignored():
    known = dict(gt_bboxes=[1], gt_masks=[2], proposals=[3], gt_bboxes_ignore=[4])
    assert BoxesOnly()(torch.zeros(1), [{}], **known)['loss'] == 1
    with pytest.raises(TypeError, match='gt_boxes'):
        BoxesOnly()(torch.zeros(1), [{}], **known, gt_boxes=[1])


def test_where_one_process_fails_all_do(monkeypatch):
    assert together(lambda: 3) == 3
    others = [None]

    def gather(said, own, group):
        said[:] = [own, *others]

    monkeypatch.setattr(distribution, 'rank_and_world', lambda: (0, 2))
    monkeypatch.setattr(distribution, '_object_group', lambda world: None)
    monkeypatch.setattr(distribution.dist, 'all_gather_object', gather)
    assert together(lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        together(lambda: 1 / 0)
    others[0] = 'ValueError: odd'
    with pytest.raises(OtherProcessFailed, match='process 1 of 2 failed: ValueError: odd'):
        together(lambda: 3)
