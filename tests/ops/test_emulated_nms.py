"""The CUDA kernels of NMS, run on the CPU, against the CPU operator: the same indices."""
import math
import random

import pytest
import torch

from mmdet.ops import library

pytestmark = pytest.mark.skipif(library._cpu_problem is not None, reason='operators not built')
ODD = [math.nan, math.inf, -math.inf, 1e30, 0.]


def make_case(rng, num, dtype=None, spread=None):
    """Boxes that overlap more or less, some odd or inverted; scores with ties."""
    dtype = dtype or rng.choice([torch.float32, torch.float64])
    corner = torch.rand(num, 2) * (spread or rng.choice([5, 60, 1000]))
    boxes = torch.cat([corner, corner + torch.rand(num, 2) * 40 - 2], 1)
    boxes = boxes.round() if rng.random() < .5 else boxes
    scores = torch.rand(num) if rng.random() < .5 else torch.randint(0, 9, (num,)) / 8
    for _ in range(rng.choice([0, 0, num // 8])):
        boxes[rng.randrange(num), rng.randrange(4)] = rng.choice(ODD)
        scores[rng.randrange(num)] = rng.choice(ODD)
    labels = rng.choice([None, torch.randint(0, 5, (num,)), torch.zeros(num).long()])
    return dict(boxes=boxes.to(dtype), scores=scores.to(dtype), labels=labels,
                threshold=rng.choice([.5, .3, .7, 0., -1., -.2, 1.]),
                max_num=rng.choice([-1, -1, 0, 1, num // 3, num]))


def sort(case):
    """What cuda/nms.cu does before the launches: (order, arguments of the kernels)."""
    boxes, scores = case['boxes'], case['scores']
    invalid = boxes.isnan().any(1) | scores.isnan()
    order = scores.masked_fill(invalid, -math.inf).sort(stable=True, descending=True)[1]
    labels = torch.zeros(0).long() if case['labels'] is None else case['labels'][order]
    return order, dict(boxes=boxes[order], labels=labels, dropped=invalid[order],
                       threshold=float(case['threshold']), max_num=case['max_num'])


def check(emulator, cases, chunk=4096, **options):
    orders, args = zip(*map(sort, cases))
    args = [dict(arg, chunk=chunk) for arg in args]
    for order, (keep,), case in zip(orders, emulator.run('nms', args, **options), cases):
        wanted = torch.ops.mmdet.nms(*case.values())
        assert torch.equal(order[keep], wanted), len(order)


@pytest.mark.parametrize('chunk', [4096, 128, 64])
@pytest.mark.parametrize('most_blocks', [0, 2])
def test_small(emulator, most_blocks, chunk):
    rng = random.Random(chunk)
    check(emulator, [make_case(rng, rng.randint(1, 200)) for _ in range(60)], chunk,
          most_blocks=most_blocks)


@pytest.mark.parametrize('num', [1, 63, 64, 65, 127, 128, 129, 191, 192, 193, 1023, 1024, 1025])
def test_around_words(emulator, num):
    rng = random.Random(num)
    check(emulator, [make_case(rng, num) for _ in range(3)])


@pytest.mark.parametrize('num', [127, 128, 129, 255, 256, 257, 640, 1000])
def test_around_chunks(emulator, num):
    """Few overlaps: what one chunk keeps meets what the next ones hold."""
    rng = random.Random(num)
    cases = [make_case(rng, num, spread=1000) for _ in range(3)]
    for chunk in (128, 320):
        check(emulator, cases, chunk)


@pytest.mark.parametrize('num', [4095, 4096, 4097, 5000])
def test_around_the_real_chunk(emulator, num):
    rng = random.Random(num)
    labels = torch.randint(0, 5, (num,))
    check(emulator, [{**make_case(rng, num, torch.float32, 1000), 'labels': labels,
                      'threshold': .3, 'max_num': -1}])


def test_all_kept_and_all_dropped(emulator):
    far = dict(boxes=torch.arange(300.)[:, None] * 50 + torch.tensor([0, 0, 9, 9]),
               scores=torch.rand(300), labels=None, threshold=.5, max_num=-1)
    same = dict(far, boxes=torch.tensor([[0, 0, 9, 9.]]).repeat(300, 1))
    check(emulator, [far, same, dict(far, max_num=130), dict(same, labels=torch.arange(300))])


def test_inverted_box_and_threshold_below_zero(emulator):
    boxes = torch.tensor([[0, 0, 9, 9.], [5, 0, -20, 9]])
    check(emulator, [dict(boxes=boxes, scores=torch.tensor([.9, .8]), labels=None, threshold=thr,
                          max_num=-1) for thr in (-1, 0., .5)])
