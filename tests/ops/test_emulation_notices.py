"""Reverse proofs: a fault put into a kernel on purpose makes a comparison fail or stop."""
import pathlib
import random
import shutil

import pytest
import test_emulated_nms as nms
import test_emulated_roi_align as align
import test_emulated_roi_pool as pool
import torch
from emulation.emulator import CSRC, Failed

from mmdet.ops import library

pytestmark = pytest.mark.skipif(library._cpu_problem is not None, reason='operators not built')
NOTICED = (AssertionError, Failed)


def barriers(operator):
    """``file:line`` of the barriers of its kernels."""
    return [f'{file.name}:{number}' for file in sorted((CSRC / 'cuda').glob(f'{operator}*.cuh'))
            for number, line in enumerate(file.read_text().splitlines(), 1)
            if line.strip() == '__syncthreads();']


def check_nms(emulator, **options):
    """Chunks that keep more boxes than meet in a block."""
    rng = random.Random(0)
    cases = [nms.make_case(rng, 700, torch.float32, spread=600) for _ in range(4)]
    nms.check(emulator, [dict(case, threshold=.3, max_num=-1) for case in cases], 320, **options)


def check_align(emulator, **options):
    """Few blocks, each with several tiles to do, and more RoIs than a block looks at together."""
    align.check_forward(emulator, [align.wide_case(40, 20)], True, **options)
    align.check_backward(emulator, [align.wide_case(3, 300)], True, True, **options)


@pytest.mark.parametrize('check, barrier', [(check_nms, one) for one in barriers('nms')]
                         + [(check_align, one) for one in barriers('roi_align')])
def test_a_missing_barrier(emulator, check, barrier):
    check(emulator, most_blocks=1)
    with pytest.raises(NOTICED):
        check(emulator, most_blocks=1, skipped_barrier=barrier)


def test_barriers_are_found():
    assert len(barriers('nms')) == 8 and len(barriers('roi_align')) == 4


def check_wide(emulator):
    """256 channels, in both layouts."""
    case = align.wide_case(256, 6)
    for last, ordered in ((False, False), (True, False), (True, True)):
        align.check_forward(emulator, [case], last)
        align.check_backward(emulator, [case], last, ordered)


def check_odd_channels(emulator):
    align.check_backward(emulator, [align.wide_case(3, 6)], True, True)


def check_pool(emulator):
    rng = random.Random(0)
    pool.check_forward(emulator, [pool.make_case(rng, torch.float32) for _ in range(20)])


EDITS = {
    'a bin to the right': ('roi_align', check_wide, 'bin % rois.out_width));',
                           '(bin + 1) % rois.out_width));'),
    'a bin lower': ('roi_pool', check_pool, 'bin / rois.out_width, map.height',
                    'bin / rois.out_width + 1, map.height'),
    'a maximum past the bin': ('roi_pool', check_pool, 'x < cols.to', 'x <= cols.to'),
    'channel 256 of 256': ('roi_align', check_wide,
                           'S* const plane = plane_of(map, roi.image, channel)',
                           'S* const plane = plane_of(map, roi.image, channel + 1)'),
    'a thread beyond the channels': ('roi_align_ordered', check_odd_channels, 'channel < channels',
                                     'channel <= channels'),
    'a barrier less': ('nms', check_nms, '''    }
    __syncthreads();
    const Mask now''', '''    }
    const Mask now'''),
    'a box that is not compared': ('nms', check_nms, 'threadIdx.x + 1 : 0', 'threadIdx.x + 2 : 0')}


@pytest.mark.slow
@pytest.mark.parametrize('fault', EDITS)
def test_an_edited_kernel(emulator, make_emulator, tmp_path, fault):
    operator, check, old, new = EDITS[fault]
    check(emulator)
    csrc = pathlib.Path(shutil.copytree(CSRC, tmp_path / 'csrc'))
    kernels = csrc / 'cuda' / f'{operator}_kernels.cuh'
    text = kernels.read_text()
    assert text.count(old) == 1
    kernels.write_text(text.replace(old, new))
    edited = make_emulator(csrc=csrc, operators=(operator.removesuffix('_ordered'),),
                           flags=('-DMMDET_FLOAT32_ONLY',))
    with pytest.raises(NOTICED) as noticed:
        check(edited)
    assert 'not compiled' not in str(noticed.value)


@pytest.mark.slow
def test_a_contracted_product(emulator, make_emulator):
    """Without -fmad=false, here -ffp-contract=off: a sample more in a RoI without extent."""
    if ' fma ' not in pathlib.Path('/proc/cpuinfo').read_text():
        pytest.skip('this processor has no FMA')
    align.test_smallest_case_of_rounding(emulator)
    flags = '-DMMDET_FLOAT32_ONLY', '-O2', '-mfma', '-ffp-contract=fast'
    contracted = make_emulator(operators=('roi_align',), flags=flags)
    with pytest.raises(AssertionError):
        align.test_smallest_case_of_rounding(contracted)
