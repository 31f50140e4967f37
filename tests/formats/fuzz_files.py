"""Read thousands of damaged files: each gives a value or one clear sentence.

    python tests/formats/fuzz_files.py --start 0 --count 20000

Checkpoints, pickles, result files, pictures and names in turn; what each input is follows from its
number. More than 1 GB of memory ends the process.
"""
import argparse
import collections
import io
import json
import logging
import os
import pathlib
import pickle
import random
import resource
import sys
import tempfile
import time

import cv2
import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from mmdet.checkpoint import read_checkpoint  # noqa: E402
from mmdet.checkpoint.meta import read_meta  # noqa: E402
from mmdet.formats.pictures import read_picture  # noqa: E402
from mmdet.formats.result_files import load_results  # noqa: E402
from mmdet.utils.errors import UserError  # noqa: E402
from mmdet.utils.names import MAX_BYTES, UniqueNames  # noqa: E402

LIMIT = 2**30  # bytes of memory that the whole run may add
SLOW = 5.  # seconds for one input
WORDS = [b'numpy\ndtype\n', b'O8', b'cposix\nsystem\n', b'\x8c\x05numpy', b'R', b'b', b'.', b'\x81',
         b'\xff\xff\xff\x7f', b'\xff' * 8, b'(' * 50, b')\x85', b'Q', b'\x93', b'PK\x05\x06']


def seeds():
    """A whole file of each kind, by its ending."""
    state = dict(a=torch.arange(60.).reshape(3, 20), n=torch.tensor(3))
    content = dict(meta=dict(epoch=1, iter=4, best=np.float64(.5)), state_dict=collections.
                   OrderedDict(state), optimizer=dict(state={0: dict(step=torch.tensor(1.))}))
    found = collections.defaultdict(list)
    for zipped in (True, False):
        file = io.BytesIO()
        torch.save(content, file, _use_new_zipfile_serialization=zipped)
        found['.pth'].append(file.getvalue())
    boxes, rle = np.arange(10, dtype=np.float32).reshape(2, 5), dict(size=[2, 3], counts='06')
    frame = {7: dict(bbox=boxes[0], label=np.int64(1))}, {7: rle}
    found['.pkl'] = [pickle.dumps([frame, ([boxes], [[rle]])] * 2, n) for n in (0, 2, 4, 5)]
    lines = [dict(format='mmdet results', version=1, entries=1),
             dict(boxes=[[0, 0, 1, 1]], scores=[.5], labels=[0], ids=[0], masks=[rle])]
    found['.jsonl'].append('\n'.join(map(json.dumps, lines)).encode())
    picture = np.random.RandomState(0).randint(0, 255, (24, 32, 3), np.uint8)
    for ending in ('.jpg', '.png', '.webp', '.bmp', '.tiff'):
        found['.jpg'].append(cv2.imencode(ending, picture)[1].tobytes())
    return dict(found)


def damaged(chance, data):
    """A few bytes changed, cut, doubled or put in."""
    data = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        place = chance.randrange(len(data) + 1)
        what = chance.random()
        if what < .5 and place < len(data):
            data[place] = chance.randrange(256)
        elif what < .7:
            data[place:place + chance.choice([0, 1, 8])] = chance.choice(WORDS)
        elif what < .85:
            data[place:place] = data[place:place + chance.randrange(64)]
        elif what < .95:
            del data[place:place + chance.choice([1, 4, 32])]
        else:
            del data[place:]
    return bytes(data)


READERS = {'.pth': (read_checkpoint, read_meta), '.pkl': (load_results, ),
           '.jsonl': (load_results, ), '.jpg': (read_picture, )}


def read(path, readers):
    """How many of the readers refused a file."""
    refused = 0
    for reader in readers:
        try:
            reader(path)
        except UserError as error:
            refused += 1
            assert '\n' not in str(error) and path in str(error) and len(str(error)) < 700, error
    return refused


def name_things(chance, folder):
    """Names from any text stay in their folder and differ."""
    names = UniqueNames()
    given = [''.join(chance.choices('/.\\ab\x00\n~-_é\ud800:*% \u202e\U0001f600', k=chance.choice(
        [0, 1, 3, 9, 400]))) for _ in range(8)]
    made = [names(text) for text in given + given[:2]]
    assert len({name.casefold() for name in made}) == len(made)
    for name in made:
        path = os.path.join(folder, f'{name}.mp4')
        assert os.path.dirname(os.path.abspath(path)) == folder
        assert 0 < len(name.encode()) <= MAX_BYTES + 8 and name[0] not in '.-'
    return 0


def fuzz(start, count, folder):
    """Read inputs ``start`` to ``start + count``; inputs and refusals by kind, slowest in s."""
    files, refused, counts, slowest = seeds(), collections.Counter(), collections.Counter(), 0.
    kinds = [*files, 'name']
    for number in range(start, start + count):
        chance, kind = random.Random(number), kinds[number % len(kinds)]
        begin = time.process_time()
        counts[kind] += 1
        if kind == 'name':
            name_things(chance, folder)
        else:
            path = os.path.join(folder, f'x{kind}')
            with open(path, 'wb') as file:
                file.write(damaged(chance, chance.choice(files[kind])))
            try:
                refused[kind] += read(path, READERS[kind]) > 0
            except BaseException:
                print(f'input {number}, a {kind}', file=sys.stderr)
                raise
        took = time.process_time() - begin
        slowest = max(slowest, took)
        assert took < SLOW, f'input {number}, a {kind}, took {took:.1f} s'
    assert len(os.listdir(folder)) <= len(files), os.listdir(folder)
    return counts, refused, slowest


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--start', type=int, default=0)
    parser.add_argument('--count', type=int, default=1000)
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    size = int(pathlib.Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + LIMIT, size + LIMIT))
    with tempfile.TemporaryDirectory() as folder:
        counts, refused, slowest = fuzz(args.start, args.count, folder)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**10
    for kind, count in counts.items():
        print(f'{kind}: {count} inputs, {refused[kind]} refused')
    print(f'slowest {slowest:.2f} s, memory grew by {grown:.0f} MB')


if __name__ == '__main__':
    main()
