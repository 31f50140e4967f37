"""Pickles of plain data: every protocol is read, nothing in them is run."""
import collections
import os
import pickle
import pickletools
import struct
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmdet.utils import numpy_parts
from mmdet.utils import unpickle as module
from mmdet.utils.errors import BadValue
from mmdet.utils.unpickle import read_pickle, unpickle

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
NATIVE = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
ARRAYS = [np.zeros((0, 4), np.float32), np.asfortranarray(NATIVE), NATIVE.transpose(2, 0, 1),
          np.arange(6, dtype='>i4'), np.array([True, False]), np.float16([1.5]), NATIVE[0, 0, 0],
          np.int64(7), np.array(3.)]


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_results_of_every_protocol(protocol):
    det = {np.int64(3): dict(bbox=NATIVE[0, 0], label=np.int64(1)), 4: dict(bbox=None, label=2)}
    results = [(det, {3: dict(size=[2, 3], counts=b'\x80\xff06')}), ({}, {}), 'ä\n', -1, 2**40,
               1.5, True, None, collections.OrderedDict(a=1)]
    got = unpickle(pickle.dumps(results, protocol=protocol))
    assert np.array_equal(got[0][0][3]['bbox'], NATIVE[0, 0]) and got[0][0][3]['label'] == 1
    assert got[0][1] == results[0][1] and got[1:] == results[1:]


@pytest.mark.parametrize('protocol', PROTOCOLS)
@pytest.mark.parametrize('array', ARRAYS, ids=lambda a: f'{a.dtype}{a.shape}')
def test_arrays_come_back_equal_and_shared_ones_shared(protocol, array):
    first, again, last = unpickle(pickle.dumps([array, array, array.copy()], protocol=protocol))
    for got in (first, again, last):
        assert np.array_equal(got, array) and got.shape == array.shape
        assert got.dtype == array.dtype.newbyteorder('=')


def test_what_python_2_wrote():
    raw = struct.pack('<2f', 1, 2)
    data = (b'\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R'
            b'(K\x01K\x02\x85cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xff'
            b'J\xff\xff\xff\xffK\x00tb\x89U\x08' + raw + b'tb.')
    assert unpickle(data).tolist() == [1, 2]


def called(module, name, *arguments, state=None):
    """A pickle that calls a function and gives the result a state."""
    data = b'\x80\x02' + f'c{module}\n{name}\n'.encode() + pickle.dumps(arguments, 2)[2:-1] + b'R'
    return data + (b'' if state is None else pickle.dumps(state, 2)[2:-1] + b'b') + b'.'


DTYPE = '<', None, None, None, -1, -1, 0
FOUR = numpy_parts.Dtype('f4')
ATTACKS = {
    'type posix.system': called('posix', 'system', 'touch pwned'),
    'type builtins.eval': called('builtins', 'eval', '1'),
    'type builtins.getattr': called('builtins', 'getattr', 1, 'real'),
    'type builtins.bytearray': called('builtins', 'bytearray', 10**12),
    'type collections.deque': pickle.dumps(collections.deque()),
    "an array of 'O8'": called('numpy', 'dtype', 'O8', False, True),
    "an array of 'V8'": called('numpy', 'dtype', 'V8', False, True),
    "an array of 'S99": called('numpy', 'dtype', 'S9999999999', False, True),
    'an array of a compound type': called(
        'numpy', 'dtype', 'f4', False, True, state=(3, '<', ('f4', (9**9, )), *DTYPE[2:])),
    'compound type.*': called(
        'numpy', 'dtype', 'f4', False, True, state=(3, *DTYPE[:-1], 63)),
    'compound typ.*': called(
        'numpy', 'dtype', 'f4', False, True, state=(3, '|', None, ('a', ), {'a': 1}, 4, 1, 27)),
    'holds part of an array': called('numpy', 'dtype', 'f4', False, True),
    'part of an array.*': called('numpy.core.multiarray', '_reconstruct', 0, (0, ), b'b'),
    'an array of unknown type': called('numpy.core.numeric', '_frombuffer', b'', 'f4', (0, ), 'C'),
    'encodes text in an unknown way': called('_codecs', 'encode', 'a', 'zip'),
    'needs INST': b'(S"touch pwned"\nios\nsystem\n.', 'needs OBJ': b'(o.',
    'needs PERSID': b'Pfile\n.', 'needs EXT1': b'\x82\x01.',
    # Python's own hash of tuples that deep ends the process
    'an array of tuple instead': b'\x80\x02cnumpy\ndtype\n)' + b'\x85' * 150000 + b'\x85R.',
    'calls what is no function': b'))\x81.',
    'refers to what is elsewhere': b')Q.', 'array or a function': b'c_codecs\nencode\n.',
    'needs FROZENSET': pickle.dumps(frozenset('a'), 4), 'needs DUP': b']2a.',
    'a tuple for a key': pickle.dumps({((1, ), ): 2}),
    'more than 64 bits': pickle.dumps(10**4000), 'is no pickle': b'\xff\xff',
    'is cut short': pickle.dumps([1, 2])[:-1], 'expected.*complete pickle': b''}


@pytest.mark.parametrize('words', ATTACKS)
def test_attacks_are_one_sentence(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'x.pkl').write_bytes(ATTACKS[words])
    with pytest.raises(BadValue, match=f'x.pkl: refused: .*{words}.*; expected|{words}') as caught:
        read_pickle('x.pkl')
    assert len(str(caught.value)) < 300 and os.listdir() == ['x.pkl']


def test_bytes_and_shape_must_agree():
    for shape, size in (((2, ), 4), ((-1, ), 4), ((10**9, 10**9), 4), ((1, ) * 9, 4), ((2.0, ), 8),
                        ([1], 4), ((2**62, 4), 0)):
        with pytest.raises(ValueError, match='an array of shape'):
            numpy_parts.make_array(bytes(size), FOUR, shape)


SMALL = {
    'a deep list': b']' * 10**6 + b'a' * (10**6 - 1) + b'.',
    'a deep tuple': b')' + b'\x85' * 10**6 + b'.',
    'a deep tuple as a key': b'})' + b'\x85' * 10**6 + b'K\x01s.',
    'a deep tuple that is encoded': b'c_codecs\nencode\n)' + b'\x85' * 10**5 + b'R.',
    'an endless list': b']q\x00h\x00a.',
    'a million laughs': b']q\x00' + b''.join(
        b'](' + b'h' + bytes([i]) + b'h' + bytes([i]) + b'eq' + bytes([i + 1])
        for i in range(40)) + b'.',
    'a far place in the memo': b'Nr\xff\xff\xff\xff.',
    'a long text that is not there': b'\x8d\xff\xff\xff\xff\xff\xff\xff\x0f.',
    'a text encoded again and again': b'c_codecs\nencode\nq\x00X\xa0\x86\x01\x00' + b'a' * 10**5
    + b'\x85q\x01000](' + b'h\x00h\x01R' * 10**5 + b'e.',
    'marks only': b'(' * 10**6 + b'.'}


@pytest.mark.parametrize('what', SMALL)
def test_small_files_stay_small(what):
    start = time.process_time()
    try:
        unpickle(SMALL[what])
    except (ValueError, IndexError, KeyError, TypeError):
        pass
    else:
        assert what == 'a far place in the memo'
    assert time.process_time() - start < 10


def test_a_file_larger_than_any(tmp_path, monkeypatch):
    monkeypatch.setattr(module, 'MAX_BYTES', 10)
    (tmp_path / 'x.pkl').write_bytes(pickle.dumps(list(range(100))))
    with pytest.raises(BadValue, match='bytes, expected at most 10'):
        read_pickle(str(tmp_path / 'x.pkl'))
    with pytest.raises(FileNotFoundError, match='nowhere.pkl: no such file'):
        read_pickle('nowhere.pkl')


@given(st.binary(max_size=60) | st.lists(st.sampled_from(
    [op.code.encode('latin-1') for op in pickletools.opcodes] + [b'\x00', b'\x01', b'numpy\n',
                                                                 b'dtype\n']),
    max_size=40).map(b''.join))
def test_any_bytes_give_a_value_or_a_refusal(data):
    try:
        value = unpickle(data)
    except (ValueError, IndexError, KeyError, TypeError):
        return
    assert isinstance(value, (str, bytes, int, float, list, tuple, dict, np.ndarray, type(None),
                              np.generic))
