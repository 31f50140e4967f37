"""Score thousands of damaged inputs: each gives numbers or one clear sentence.

    python tests/evaluation/fuzz_evaluation.py --start 0 --count 20000

Runs in a process of its own (test_fuzz.py), so that a hang or a crash is seen.
"""
import argparse
import copy
import gzip
import json
import logging
import os
import pathlib
import random
import sys
import tempfile
import time

import numpy as np
from pycocotools import mask as mask_utils

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from mmdet.curation.audit import audit_annotations  # noqa: E402
from mmdet.evaluation import YTVOSeval  # noqa: E402
from mmdet.evaluation.errors import (Analysis, Options, compare, summarize, tables,  # noqa: E402
                                     to_csv)
from mmdet.formats import YTVOS, write_submission  # noqa: E402
from mmdet.utils.errors import BadValue, MissingFile, UserError  # noqa: E402

GOLDEN = pathlib.Path(__file__).parents[1] / 'data' / 'golden' / 'eval' / 'probes.json.gz'
JUNK = [None, True, False, 0, 1, -1, 2, 3, 64, 36, 0.5, -0.0, 1e308, 1e10, float('nan'),
        float('inf'), 10**30, -2**63, '', 'x', '0', '1', 'o' * 300, '\x00', '\ud800', 'ä', [], {},
        [[]], [None], [0] * 7, {'size': [36, 64]}, {'size': [36, 64], 'counts': [2304]},
        {'size': [36, 64], 'counts': []}, [[1, 1, 9, 1, 9, 9]], [[0] * 6], [[1e7] * 6]]
CHARS = [chr(i) for i in range(40, 120)] + ['\x00', 'é', '\n']


def places(node, parents=()):
    """Every (container, key) below a json value."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(
        node, list) else ()
    for key, value in items:
        yield node, key
        yield from places(value)


def damage_text(rng, text):
    """A mask string with a few characters changed, or another valid one of 36x64 pixels."""
    if rng.random() < 0.4:
        mask = np.random.RandomState(rng.randrange(2**31)).rand(36, 64) < rng.random()**3
        return mask_utils.encode(np.asfortranarray(mask, np.uint8))['counts'].decode()
    chars = list(text)
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(chars) + 1)
        chars[place:place + rng.randint(0, 2)] = rng.choices(CHARS, k=rng.randint(0, 2))
    return ''.join(chars)


def damage(rng, case):
    """Change one to four values of a {'gt': ..., 'results': ...} in place."""
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        spots = list(places(case))
        if not spots:  # all was deleted
            return case
        container, key = rng.choice(spots)
        value, kind = container[key], rng.random()
        if isinstance(value, str) and kind < 0.6:
            container[key] = damage_text(rng, value)
        elif isinstance(value, (int, float)) and kind < 0.5:
            container[key] = rng.choice([value + 1, value - 1, -value, value * 1000, str(value)])
        elif kind < 0.55:
            container[key] = copy.deepcopy(rng.choice(JUNK))
        elif kind < 0.7:
            other, other_key = rng.choice(spots)
            container[key] = copy.deepcopy(other[other_key])
        elif kind < 0.85:
            del container[key]
        elif isinstance(container, list):
            container.insert(key, copy.deepcopy(value))
    return case


def score(case):
    """Everything that reads such files, one after the other."""
    gt = YTVOS(case['gt'])
    results = gt.loadRes(case['results'])
    for kind in ('segm', 'bbox'):
        evaluator = YTVOSeval(gt, results, kind)
        evaluator.evaluate()
        evaluator.accumulate()
        stats = np.array(list(evaluator.numbers().values()))
        assert ((stats == -1) | ((stats >= 0) & (stats <= 1))).all(), stats
    if len(case['results']) % 10 == 0:  # it waits for the disk
        write_submission(case['results'], gt, tempfile.gettempdir() + f'/fuzz_{os.getpid()}')


def analyse(case):
    """The analysis of errors, to the last line that it prints and writes."""
    for convention in ('official', 'tive'):
        options = Options(convention, samples=3)
        analysis = Analysis(case['results'], YTVOS(case['gt']), options)
        report = summarize(analysis)
        report['compare'] = compare(analysis, analysis)
        assert tables(report) and to_csv(report, analysis.gt, analysis.dt)
        json.dumps(report, allow_nan=False)
        points = [report['ap'], report['ap50'], *report['dap'].values()]
        assert all(value is None or -1e-9 <= value <= 100 + 1e-9 for value in points), points


def clear_error(step, *args):
    """Run a step; it may raise one sentence. True if it did."""
    try:
        step(*args)
    except UserError as error:
        assert type(error) in (BadValue, MissingFile), repr(error)
        assert '\n' not in str(error), repr(error)
        assert 15 < len(str(error)) < 400, error
        return True
    return False


def damage_bytes(rng, case, path):
    """Write the annotation file with bytes changed or cut off."""
    data = bytearray(json.dumps(case['gt']).encode())
    for _ in range(rng.randint(1, 3)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    path.write_bytes(data[:rng.randrange(len(data))] if rng.random() < 0.3 else data)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--start', type=int, default=0)
    parser.add_argument('--count', type=int, default=3000)
    args = parser.parse_args()
    logging.disable()
    with gzip.open(GOLDEN, 'rt') as file:
        probes = [{k: p[k] for k in ('gt', 'results')} for p in json.load(file)['probes']]
    path = pathlib.Path(tempfile.gettempdir()) / f'fuzz_{os.getpid()}.json'
    refused, slowest = 0, 0
    for seed in range(args.start, args.start + args.count):
        rng, start = random.Random(seed), time.perf_counter()
        try:
            case = damage(rng, copy.deepcopy(rng.choice(probes)))
            if 'gt' in case and 'results' in case:
                before = repr(case)
                refused += clear_error(score, case)
                clear_error(audit_annotations, case['gt'], 'ann.json')
                assert repr(case) == before, 'the input was changed'
                if seed % 10 == 1:
                    clear_error(analyse, case)
                if seed % 5 == 0:
                    damage_bytes(rng, case, path)
                    clear_error(YTVOS, path)
        except BaseException:
            print(f'seed {seed}')
            raise
        slowest = max(slowest, time.perf_counter() - start)
    path.unlink(missing_ok=True)
    print(f'{args.count} inputs, {refused} refused, slowest {slowest:.1f} s')


if __name__ == '__main__':
    main()
