"""Checkpoints that somebody else made, or that a disk has damaged: one sentence each."""
import collections
import io
import os
import pickle
import random
import re
import time
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

from mmdet.checkpoint import load_checkpoint, read_checkpoint, save_checkpoint
from mmdet.checkpoint.meta import read_meta
from mmdet.checkpoint.weights import weights_of
from mmdet.engine.resume import check_optimizer, check_resumable
from mmdet.utils.errors import BadValue

STATE = dict(a=torch.arange(12.).reshape(3, 4), b=torch.zeros(0, 2), n=torch.tensor(3),
             flag=torch.tensor([True, False]), half=torch.ones(2, dtype=torch.bfloat16))
STATE['view'] = STATE['a'].t()[1:3]
WHOLE = dict(meta=dict(epoch=1, iter=4, best=.5), state_dict=collections.OrderedDict(STATE),
             optimizer=dict(state={0: dict(step=torch.tensor(1.))}, param_groups=[dict(lr=.1)]),
             p=nn.Parameter(torch.ones(2)), shape=torch.Size([2, 3]), text='ä', none=None)


def same(a, b):
    if isinstance(b, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(b, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in b)
    return type(a)(b) == a if isinstance(b, torch.Size) else a == b


@pytest.mark.parametrize('zipped', [True, False])
def test_all_that_torch_saves_comes_back(tmp_path, zipped):
    path = str(tmp_path / 'a.pth')
    torch.save(WHOLE, path, _use_new_zipfile_serialization=zipped)
    got = read_checkpoint(path)
    assert same(got, {**WHOLE, 'shape': (2, 3)}) and read_meta(path) == WHOLE['meta']
    assert got['state_dict']['view'].data_ptr() == got['state_dict']['a'].data_ptr() + 4
    moved = read_checkpoint(path, 'meta')
    assert moved['state_dict']['a'].is_meta and moved['text'] == 'ä'


def test_nothing_of_numpy_is_written_and_old_files_with_it_are_read(tmp_path):
    content = dict(meta=dict(best=np.float64(.5), iter=np.int64(3), a=np.arange(3.)))
    save_checkpoint(content, str(tmp_path / 'new.pth'))
    torch.save(content, tmp_path / 'old.pth')
    assert b'numpy' not in (tmp_path / 'new.pth').read_bytes()
    assert b'numpy' in (tmp_path / 'old.pth').read_bytes()
    for name in ('new', 'old'):
        meta = read_checkpoint(str(tmp_path / f'{name}.pth'))['meta']
        assert (meta['best'], meta['iter'], list(meta['a'])) == (.5, 3, [0, 1, 2])
    assert type(read_meta(str(tmp_path / 'new.pth'))['iter']) is int


def test_every_flipped_bit_of_values_is_noticed(tmp_path):
    path = str(tmp_path / 'a.pth')
    save_checkpoint(dict(state_dict=dict(a=torch.arange(500.))), path)
    whole = open(path, 'rb').read()
    begin = whole.index(torch.arange(500.).numpy().tobytes())
    for place in range(begin, begin + 2000, 97):
        broken = bytearray(whole)
        broken[place] ^= 1 << place % 8
        open(path, 'wb').write(broken)
        with pytest.raises(BadValue, match='a.pth: the checkpoint is cut short or damaged'):
            read_checkpoint(path)
    zeros = whole[:begin] + bytes(1000) + whole[begin + 1000:]
    open(path, 'wb').write(zeros)
    with pytest.raises(BadValue, match='damaged'):
        read_checkpoint(path)


def archive(path, pickled, compression=zipfile.ZIP_STORED, **members):
    with zipfile.ZipFile(path, 'w', compression) as file:
        file.writestr('archive/data.pkl', pickled)
        file.writestr('archive/byteorder', members.pop('byteorder', 'little'))
        for name, data in members.items():
            file.writestr(f'archive/data/{name}', data)


def tensor(*, count=4, offset=0, shape=(4, ), stride=(1, ), kind='FloatStorage'):
    """A pickle of one tensor, in whose parts nothing needs to fit."""
    plain = [pickle.dumps(value, 2)[2:-1] for value in (offset, shape, stride, False)]
    return (b'\x80\x02}X\x01\0\0\0actorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\n'
            + f'{kind}\n'.encode() + b'X\x01\0\0\0' b'0X\x03\0\0\0cpu'
            + pickle.dumps(count, 2)[2:-1] + b'tQ' + b''.join(plain)
            + b'ccollections\nOrderedDict\n)RtRs.')


@pytest.mark.parametrize('change, words', [
    (dict(shape=(5, )), 'a tensor of shape .5,. made of 4 numbers'), (dict(offset=1), 'made of 4'),
    (dict(offset=-1), 'tensor of unknown form'), (dict(stride=(-1, )), 'tensor of unknown form'),
    (dict(shape=(10**9, ), stride=(0, )), 'beyond its size'),
    (dict(shape=(2**40, 2**40), stride=(0, 0)), 'made of 4'),
    (dict(shape=(1, ) * 99, stride=(1, ) * 99), 'unknown form'),
    (dict(shape=(1.5, )), 'unknown form'), (dict(count=5), 'cut short or damaged'),
    (dict(count=2**62), 'refers to no tensor'), (dict(kind='Tensor'), 'type torch.Tensor'),
    (dict(kind='UntypedStorage'), 'type torch.UntypedStorage'),
    (dict(kind='ByteStorage'), 'damaged')])
def test_tensors_whose_parts_do_not_fit(tmp_path, change, words):
    path = str(tmp_path / 'a.pth')
    archive(path, tensor(), **{'0': bytes(16)})
    assert torch.equal(read_checkpoint(path)['a'], torch.zeros(4))
    archive(path, tensor(**change), **{'0': bytes(16)})
    with pytest.raises(BadValue, match=words) as caught:
        read_checkpoint(path)
    assert len(str(caught.value)) < 300
    with pytest.raises(BadValue):
        read_meta(path)


class OfNumpy:
    """The attack: a sub-array dtype that makes Python objects of bytes."""

    def __reduce__(self):
        state = 3, '|', (np.dtype('O'), (1, )), None, None, -1, -1, 0
        return np.dtype, ('V8', False, True), state


def test_attacks_of_other_kinds(tmp_path):
    path, deep = str(tmp_path / 'a.pth'), b'\x80\x02' + b')' + b'\x85' * 10**6 + b'.'
    cases = {
        'it nests too deeply|expected a dict': lambda: archive(path, deep),
        'it is compressed': lambda: archive(path, bytes(10**7), zipfile.ZIP_DEFLATED),
        'another byte order': lambda: archive(path, tensor(), byteorder='big', **{'0': bytes(16)}),
        'an array of': lambda: torch.save(dict(meta=OfNumpy()), path),
        'type torch._utils._rebuild_sparse_tensor': lambda: torch.save(
            dict(a=torch.eye(2).to_sparse()), path),
        'type torch._utils._rebuild_meta_tensor_no_storage': lambda: torch.save(
            dict(a=torch.ones(9, device='meta')), path),
        '"state_dict" should be a dict, got list': lambda: torch.save(dict(state_dict=[1]), path),
        '"meta" should be a dict, got int': lambda: torch.save(dict(meta=3), path),
        'expected texts as keys, got 5': lambda: torch.save(dict(state_dict={5: 1}), path),
        'it is no checkpoint': lambda: open(path, 'wb').write(b'PK\3\4'.ljust(99)[::-1])}
    for words, make in cases.items():
        make()
        start = time.process_time()
        with pytest.raises(BadValue, match=f'a.pth: .*({words})') as caught:
            read_checkpoint(path)
        assert len(str(caught.value)) < 300 and time.process_time() - start < 20


@pytest.mark.parametrize('checkpoint', [
    dict(state_dict=None, meta={}), dict(model='resnet50'), dict(model={0: torch.ones(1)})])
def test_no_weights_at_all(checkpoint):
    assert weights_of(checkpoint) == {}


@pytest.mark.parametrize('value, words', [
    (torch.full((2, 2), float('nan')), 'weight has 4 of 4 numbers that are NaN or infinite'),
    (torch.tensor([[1, 2], [3, float('inf')]]), 'weight has 1 of 4 .*--allow-partial'),
    (torch.ones(2, 2, dtype=torch.complex64), 'weight holds complex64 numbers'),
    (torch.ones(2, 2, dtype=torch.int8), 'weight holds int8'),
    (torch.ones(2, 2) > 0, 'weight holds bool'),
    (torch.ones(2, 2, dtype=torch.int64), 'weight holds int64')])
def test_what_are_no_weights(tmp_path, value, words):
    path, model = str(tmp_path / 'a.pth'), nn.Linear(2, 2)
    before = model.weight.detach().clone()
    save_checkpoint(dict(state_dict=dict(weight=value, bias=torch.ones(2))), path)
    with pytest.raises(BadValue, match=f'a.pth: {words}'):
        load_checkpoint(model, path)
    assert torch.equal(model.weight, before)
    if value.is_floating_point():
        assert len(load_checkpoint(model, path, allow_partial=True).loaded) == 2
        whole = dict(meta=dict(epoch=1, iter=1), optimizer=dict(state={}, param_groups=[]))
        with pytest.raises(BadValue, match='NaN or infinite'):
            check_resumable(dict(whole, state_dict=dict(weight=value)), path)


@pytest.mark.parametrize('kind', ['SGD', 'Adam', 'AdamW', 'RMSprop', 'Adagrad'])
def test_optimiser_states_must_fit(kind):
    model = nn.Linear(3, 2)
    optimizer = getattr(torch.optim, kind)(
        model.parameters(), lr=.1, **(dict(momentum=.9) if kind == 'SGD' else {}))
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()

    def change(entry, value):
        state = optimizer.state_dict()
        inner = {key: dict(item) for key, item in state['state'].items()}
        inner[0][entry] = value
        return dict(state, state={k: {a: b for a, b in v.items() if b is not None}
                                  for k, v in inner.items()})

    check_optimizer(optimizer.state_dict(), kind, optimizer, 'a.pth')
    for entry, value in optimizer.state_dict()['state'][0].items():
        wrongs = [torch.zeros(7), torch.zeros(value.shape, dtype=torch.int8), 'x', [1]]
        for wrong in wrongs if kind == 'SGD' else [None, *wrongs]:  # it may begin without
            with pytest.raises(BadValue, match='a.pth: is of another model or optimiser'):
                check_optimizer(change(entry, wrong), kind, optimizer, 'a.pth')


def test_any_change_of_a_file_is_read_or_refused(tmp_path):
    path, chance, wholes = str(tmp_path / 'a.pth'), random.Random(0), []
    for zipped in (True, False):
        file = io.BytesIO()
        torch.save(WHOLE, file, _use_new_zipfile_serialization=zipped)
        wholes.append(file.getvalue())
    refused = 0
    for turn in range(300):
        broken = bytearray(wholes[turn % 2])
        for _ in range(chance.randint(1, 8)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        if turn % 5 == 0:
            del broken[chance.randrange(len(broken)):]
        with open(path, 'wb') as file:
            file.write(broken)
        for read in (read_checkpoint, read_meta):
            try:
                assert isinstance(read(path), dict)
            except BadValue as error:
                refused += 1
                assert re.match(re.escape(path), str(error)) and len(str(error)) < 600
    assert 100 < refused < 600 and os.listdir(tmp_path) == ['a.pth']
