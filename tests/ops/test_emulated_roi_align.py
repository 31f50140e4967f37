"""The CUDA kernels of RoIAlign, run on the CPU, against the CPU operator."""
import math
import random

import pytest
import torch

from mmdet.ops import library

pytestmark = pytest.mark.skipif(library._cpu_problem is not None, reason='operators not built')
DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
# Both sample the same points, to the bit, but add them up in another order. Features and
# gradients are about 1, and a 16-bit result may round to the neighbour.
CLOSE = {torch.float64: dict(rtol=1e-12, atol=1e-12), torch.float32: dict(rtol=1e-5, atol=1e-5),
         torch.float16: dict(rtol=2e-3, atol=1e-5), torch.bfloat16: dict(rtol=2e-2, atol=1e-5)}
SIDES = [1, 2, 5, 9, 12, 14, 17]
ODD = [math.nan, math.inf, -math.inf, 1e9, -1e9, 3e38, 0., -.5, 1e-30]


def make_rois(rng, num, images):
    """Boxes of all sizes in and around 90 x 90 pixels; some odd, some inverted."""
    rois = torch.rand(num, 5) * 100 - 15
    rois[:, 3:] = rois[:, 1:3] + torch.rand(num, 2) ** 2 * 80 - 3
    for row in rois:
        row[0] = rng.randrange(images)
        if rng.random() < .15:
            row[rng.randrange(1, 5)] = rng.choice(ODD)
    return rois.round() if rng.random() < .3 else rois


def make_case(rng, dtype=None):
    """A pyramid, RoIs and options, as arguments of the emulated operator."""
    dtype = dtype or rng.choice(DTYPES)
    images, channels, levels = rng.randint(1, 3), rng.choice([1, 3, 8, 33, 40]), rng.randint(1, 3)
    maps = [torch.randn(images, channels, rng.choice(SIDES), rng.choice(SIDES)).to(dtype)
            for _ in range(levels)]
    num = rng.choice([0, 1, 2, 5, 9])
    return dict(maps=maps, scales=[rng.choice([.1, .13, .05, .3]) for _ in maps],
                rois=make_rois(rng, num, images), levels=torch.randint(0, levels, (num,)),
                out_size=[rng.randint(1, 7), rng.randint(1, 7)], sample_num=rng.randint(0, 3))


def cpu_forward(case):
    return torch.ops.mmdet.roi_align(case['maps'], case['rois'], case['levels'],
                                     *case['out_size'], case['scales'], case['sample_num'])


def cpu_backward(case, grad):
    images, _, *_ = case['maps'][0].shape
    sizes = [side for feat in case['maps'] for side in feat.shape[2:]]
    return torch.ops.mmdet.roi_align_backward(grad, case['rois'], case['levels'], images, sizes,
                                              case['scales'], case['sample_num'], False)


def for_kernel(case, channels_last=False, spare=0):
    """The case as the kernels get it; maps may be views of more channels, the others NaN."""
    maps = case['maps']
    dtype = maps[0].dtype
    wide = [torch.cat([m, m.new_full((len(m), spare, *m.shape[2:]), math.nan)], 1) for m in maps]
    if channels_last:
        wide = [m.permute(0, 2, 3, 1).contiguous() for m in wide]
    common = {name: case[name] for name in ('scales', 'levels', 'out_size', 'sample_num')}
    return dict(common, channels=maps[0].shape[1], channels_last=int(channels_last),
                rois=case['rois'].to(torch.promote_types(dtype, torch.float32)),
                **{f'map{i}': m for i, m in enumerate(wide)})


def for_backward(case, grad, channels_last=False, ordered=False):
    """As the kernels of the backward get it."""
    maps = case['maps']
    args = for_kernel(case, channels_last)
    args = {name: value for name, value in args.items() if not name.startswith('map')}
    return dict(args, grad=grad.permute(0, 2, 3, 1) if ordered else grad,
                images=len(maps[0]), ordered=int(ordered),
                sizes=[side for feat in maps for side in feat.shape[2:]])


def assert_close(got, wanted):
    for value, right in zip(got, wanted, strict=True):
        torch.testing.assert_close(value.to(right.dtype), right, equal_nan=True,
                                   **CLOSE[right.dtype])


def check_forward(emulator, cases, channels_last, **options):
    got = emulator.run('roi_align', [for_kernel(case, channels_last, spare=i % 3)
                                     for i, case in enumerate(cases)], **options)
    assert_close([one[0] for one in got], [cpu_forward(case) for case in cases])


def nchw(sums, channels_last):
    return [one.permute(0, 3, 1, 2) if channels_last else one for one in sums]


def check_backward(emulator, cases, channels_last, ordered, **options):
    grads = [torch.randn_like(cpu_forward(case)) for case in cases]
    args = [for_backward(*pair, channels_last, ordered) for pair in zip(cases, grads)]
    got = emulator.run('roi_align_backward', args, **options)
    for sums, case, grad in zip(got, cases, grads):
        assert_close(nchw(sums, channels_last), cpu_backward(case, grad))


@pytest.mark.parametrize('most_blocks', [0, 2])
@pytest.mark.parametrize('channels_last', [False, True])
def test_forward(emulator, channels_last, most_blocks):
    rng = random.Random(most_blocks)
    check_forward(emulator, [make_case(rng) for _ in range(120)], channels_last,
                  most_blocks=most_blocks)


@pytest.mark.parametrize('most_blocks', [0, 2])
@pytest.mark.parametrize('channels_last, ordered', [(False, False), (True, False), (True, True)])
def test_backward(emulator, channels_last, ordered, most_blocks):
    rng = random.Random(most_blocks + 1)
    check_backward(emulator, [make_case(rng) for _ in range(80)], channels_last, ordered,
                   most_blocks=most_blocks)


def test_ordered_backward_repeats(emulator):
    rng = random.Random(2)
    cases = [make_case(rng, torch.float32) for _ in range(20)]
    args = [for_backward(case, torch.randn_like(cpu_forward(case)), True, True)
            for case in cases]
    first, *others = [emulator.run('roi_align_backward', args, seed, blocks)
                      for seed, blocks in ((0, 0), (1, 0), (2, 1), (3, 3))]
    for other in others:
        assert all(torch.equal(a, b) for x, y in zip(first, other) for a, b in zip(x, y))


def test_a_roi_without_a_map(emulator):
    """It pools NaN and gets no gradient; the others do not notice."""
    rng = random.Random(3)
    case = {**make_case(rng, torch.float32), 'out_size': [2, 3]}
    images, levels = len(case['maps'][0]), len(case['maps'])
    rois = make_rois(rng, 7, images)
    wrong = rois.repeat(2, 1)
    wrong[7:, 0] = torch.tensor([-1, -.5, images, 1e30, math.nan, -math.inf, 0])
    level_of = torch.tensor([0] * 13 + [levels])
    right = dict(case, rois=rois, levels=level_of[:7])
    wrong = dict(case, rois=wrong, levels=level_of)
    wanted, grad = cpu_forward(right), torch.randn(14, case['maps'][0].shape[1], 2, 3)
    for last in (False, True):
        (got,), = emulator.run('roi_align', [for_kernel(wrong, last)])
        assert got[7:].isnan().all()
        assert_close([got[:7]], [wanted])
    for last, ordered in ((False, False), (True, False), (True, True)):
        sums, = emulator.run('roi_align_backward', [for_backward(wrong, grad, last, ordered)])
        assert_close(nchw(sums, last), cpu_backward(right, grad[:7]))


def test_integer_boxes_sample_the_same_points(emulator):
    """Adaptive grids at scales that no float holds: a sample count may not differ by one."""
    corner = torch.randint(0, 60, (4000, 2))
    boxes = torch.cat([corner, corner + torch.randint(-3, 30, (4000, 2))], 1)
    rois = torch.cat([torch.zeros(4000, 1), boxes], 1)
    cases = [dict(maps=[torch.randn(1, 1, 9, 10)], scales=[scale], rois=rois[part::2],
                  levels=torch.zeros(2000).long(), out_size=[1, 2], sample_num=0)
             for part, scale in enumerate((.3, .1))]
    got = emulator.run('roi_align', [for_kernel(case) for case in cases])
    assert_close([one[0] for one in got], [cpu_forward(case) for case in cases])


def test_smallest_case_of_rounding(emulator):
    case = dict(maps=[torch.ones(1, 1, 8, 8)], scales=[.3], out_size=[1, 1], sample_num=0,
                rois=torch.tensor([[0, 5, 3, 4, 9.]]), levels=torch.zeros(1).long())
    (got,), = emulator.run('roi_align', [for_kernel(case)])
    assert got.item() == 0


def wide_case(channels, num):
    return dict(maps=[torch.randn(2, channels, 5, 6)], scales=[.05], out_size=[1, 2],
                rois=make_rois(random.Random(4), num, 2), levels=torch.zeros(num).long(),
                sample_num=1)


@pytest.mark.parametrize('channels, num', [(256, 6), (260, 6), (3, 300)])
def test_more_channels_or_rois_than_a_block_takes(emulator, channels, num):
    case = wide_case(channels, num)
    for last, ordered in ((False, False), (True, False), (True, True)):
        check_forward(emulator, [case], last)
        check_backward(emulator, [case], last, ordered)
