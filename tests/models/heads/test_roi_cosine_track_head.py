"""The tracking head without weights, on detections made up for the config of COCO's classes."""
import pathlib

import pytest
import torch

from mmdet.core.bbox import Detections
from mmdet.engine.replay import build_tracker, replay_ids
from mmdet.models import RoICosineTrackHead
from mmdet.utils import load_config

CONFIG = pathlib.Path(__file__).parents[3] / 'configs' / 'mask_rcnn_r50_fpn_coco_track.py'
PERSON, DOG = 0, 16


@pytest.fixture(scope='module')
def tracker():
    return build_tracker(load_config(str(CONFIG)))


def found(*objects):
    """A frame of (x of the centre, label, score, embedding): boxes of 40 x 80 pixels."""
    x, label, score = (torch.tensor([row[i] for row in objects]) for i in range(3))
    x = x.float()
    boxes = torch.stack([x - 20, x * 0 + 100, x + 19, x * 0 + 179], dim=1)
    embeddings = torch.stack([row[3] for row in objects])
    return Detections(boxes, score.float(), label, torch.tensor(True)), embeddings


def ids(tracker, frames):
    return [row.tolist() for row in replay_ids(tracker, frames)]


def looks(cosine, num=2, size=256, seed=0):
    """Embeddings (num, size) of any two of which have this cosine."""
    g = torch.Generator().manual_seed(seed)
    axes = torch.linalg.qr(torch.randn(size, num + 1, generator=g))[0].t()
    return 3 * (cosine**.5 * axes[0] + (1 - cosine)**.5 * axes[1:])


def seen_again(look, seed):
    """It from another side: the cosine is 0.97 or so."""
    noise = torch.randn(look.shape, generator=torch.Generator().manual_seed(seed))
    return look + .25 * look.norm() * noise / noise.norm()


def crossing(a, b, num=12):
    """Two of one class, 10 pixels a frame, from left to right and from right to left."""
    return [found((100 + 10 * t, PERSON, .9, seen_again(a, t)),
                  (210 - 10 * t, PERSON, .8, seen_again(b, 100 + t))) for t in range(num)]


def test_logits_by_hand():
    head = RoICosineTrackHead(new_object=.5, temperature=.25)
    logits = head.match(torch.tensor([[2., 0], [3, 3]]), torch.tensor([[5., 0], [0, 1], [0, 0]]))
    half = .5**.5
    want = torch.tensor([[0, 2, -2, -2], [0, 4 * half - 2, 4 * half - 2, -2]])
    torch.testing.assert_close(logits, want)
    assert head.match(torch.zeros(0, 4), torch.zeros(2, 4)).shape == (0, 3)
    assert head.match(torch.ones(2, 4), torch.zeros(0, 4)).tolist() == [[0], [0]]


def test_embeddings_are_the_features():
    feats = torch.arange(24.).view(1, 6, 2, 2)
    assert RoICosineTrackHead()(feats).tolist() == [[1.5, 5.5, 9.5, 13.5, 17.5, 21.5]]
    assert torch.equal(RoICosineTrackHead(with_avg_pool=False)(feats), feats.flatten(1))
    assert RoICosineTrackHead()(feats[:0]).shape == (0, 6)
    assert not RoICosineTrackHead().state_dict()


def test_objects_that_cross_keep_their_ids(tracker):
    a, b = looks(.75)
    assert ids(tracker, crossing(a, b)) == [[0, 1]] * 12


def test_twins_that_pass_at_a_distance_keep_their_ids(tracker):
    """What looks the same is told apart by where it is."""
    a, = looks(0, 1)
    frames = [found((100 + 5 * t, PERSON, .9, seen_again(a, t)),
                    (400 - 5 * t, PERSON, .9, seen_again(a, 50 + t))) for t in range(20)]
    assert ids(tracker, frames) == [[0, 1]] * 20


def test_who_comes_back_is_known_for_a_while(tracker):
    a, b = looks(.7)
    one, other = found((100, PERSON, .9, a)), found((300, PERSON, .9, b))
    back = found((500, PERSON, .9, seen_again(a, 1)))
    assert ids(tracker, [one] + [other] * 20 + [back]) == [[0]] + [[1]] * 20 + [[0]]
    assert ids(tracker, [one] + [other] * 40 + [back])[-1] == [2]


def test_another_class_and_a_weak_detection_take_no_id(tracker):
    a, = looks(0, 1)
    first = found((100, PERSON, .9, a))
    assert ids(tracker, [first, found((100, DOG, .9, a))]) == [[0], [1]]
    assert ids(tracker, [first, found((300, DOG, .4, a))]) == [[0], [-1]]
    assert ids(tracker, [first, found((100, PERSON, .4, a))]) == [[0], [0]]


def test_on_a_device_the_ids_are_the_same(pretend, tracker):
    a, b = looks(.75)
    frames = crossing(a, b, 5)
    there = [(Detections(*(pretend.put(part) for part in (
        dets.boxes, dets.scores, dets.labels, dets.finite))), pretend.put(embeddings))
        for dets, embeddings in frames]
    assert ids(tracker, there) == ids(tracker, frames)


def test_there_is_nothing_to_train(cfg, build, batch):
    cfg.model.track_head = dict(type='RoICosineTrackHead')
    with pytest.raises(TypeError, match='nothing to learn; train with track_head=None'):
        build(cfg)(return_loss=True, **batch)


@pytest.mark.parametrize('wrong', [dict(match_coeff=[1]), dict(temperature=0),
                                   dict(new_object=2)])
def test_numbers_out_of_range(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RoICosineTrackHead(**wrong)
