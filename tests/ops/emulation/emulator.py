"""Compiles the CUDA kernels for the CPU and runs cases on them.

The ``.cuh`` files are compiled as they are, by g++ with its address and undefined-behaviour
sanitizers, against ``cuda_on_cpu.h``. What they find ends the program, and ``run`` raises.
"""
import hashlib
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from mmdet.ops import build

HERE = pathlib.Path(__file__).parent
CSRC = pathlib.Path(build.CSRC)
OPERATORS = ('roi_align', 'roi_pool', 'nms')
TYPES = [torch.int64, torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.bool]
RAW = {torch.float16: torch.int16, torch.bfloat16: torch.int16, torch.bool: torch.uint8}
# Every product and sum is rounded by itself, as nvcc does with -fmad=false.
FLAGS = ('-O1', '-g1', '-Wall', '-Wextra', '-Werror', '-ffp-contract=off',
         '-fsanitize=address,undefined,float-cast-overflow', '-fno-sanitize-recover=all',
         '-fsanitize-sections=shared_memory')


def why_not() -> str | None:
    """Why the kernels cannot be emulated here, or None."""
    cxx = shutil.which('g++')
    if sys.platform != 'linux' or cxx is None:
        return 'the emulation of the CUDA kernels needs Linux and g++'
    tried = subprocess.run([cxx, *FLAGS, '-x', 'c++', '-', '-o', os.devnull], text=True,
                           input='int main() {}', capture_output=True)
    return 'g++ has no sanitizers here' if tried.returncode else None


class Failed(Exception):
    """A sanitizer or the emulation itself stopped the run; the message is what it said."""


class Emulator:
    """A compiled program that runs the kernels of some operators.

    Args:
        folder: where object files and the program go; what is there already is used.
        csrc: the folder of the kernels' sources, or of a changed copy.
        operators: which of ``OPERATORS`` to compile.
        flags: more of them for the compiler.
    """

    def __init__(self, folder: pathlib.Path, csrc: pathlib.Path = CSRC,
                 operators: tuple[str, ...] = OPERATORS, flags: tuple[str, ...] = ()) -> None:
        self.cxx = shutil.which('g++')
        self.folder, self.csrc = folder, csrc
        self.flags = [build.standard(self.cxx), *FLAGS, *flags, *build.torch_flags()[1]]
        sources = [HERE / f'{name}.cpp' for name in ('main', 'cuda_on_cpu', *operators)]
        folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(2) as pool:
            objects = list(pool.map(self._compile, sources))
        self.program = folder / f'emulator-{_digest(*objects)}'
        if not self.program.exists():
            build.run([self.cxx, *self.flags, *objects, '-o', self.program])

    def _compile(self, source: pathlib.Path) -> pathlib.Path:
        texts = [file.read_text() for file in sorted(self._included(source))]
        target = self.folder / f'{source.stem}-{_digest(self.flags, torch.__version__, *texts)}.o'
        if not target.exists():
            build.run([self.cxx, *self.flags, f'-I{self.csrc}', '-c', source, '-o', target])
        return target

    def _included(self, file: pathlib.Path) -> set[pathlib.Path]:
        """The file and those of ours that it includes: what an edit of a kernel leaves alone
        is not compiled again."""
        found = {file}
        for name in re.findall(r'^#include "(.+)"', file.read_text(), re.MULTILINE):
            paths = ((folder / name).resolve() for folder in (file.parent, HERE, self.csrc))
            found |= self._included(next(path for path in paths if path.exists()))
        return found

    def run(self, operator: str, cases: list[dict], seed: int = 0, most_blocks: int = 0,
            skipped_barrier: str = '') -> list[list[Tensor]]:
        """The results of every case, as the operator's function in ``<operator>.cpp`` lists them.

        Args:
            operator: a registered name.
            cases: tensors, numbers and lists of numbers by name.
            seed: of the order of blocks and threads.
            most_blocks: of a grid, so that grid-stride loops go round; 0: as launched.
            skipped_barrier: ``file:line`` of a ``__syncthreads`` to leave out.

        Raises:
            Failed: a sanitizer found something, or threads miss a barrier.
        """
        common = dict(seed=seed, most_blocks=most_blocks)
        data = struct.pack('q', len(cases)) + b''.join(
            _text(operator) + _pack_case({**common, **case}) for case in cases)
        done = subprocess.run([self.program, skipped_barrier], input=data, capture_output=True,
                              env={**os.environ, 'ASAN_OPTIONS': 'detect_leaks=0'})
        if done.returncode:
            raise Failed(done.stderr.decode(errors='replace')[:4000])
        return _unpack(done.stdout, len(cases))


def _digest(*parts: object) -> str:
    return hashlib.sha256('\0'.join(map(str, parts)).encode()).hexdigest()[:16]


def _text(text: str) -> bytes:
    return struct.pack('q', len(text)) + text.encode()


def _pack_case(case: dict) -> bytes:
    return struct.pack('q', len(case)) + b''.join(
        _text(name) + _pack(value) for name, value in case.items())


def _pack(value: Tensor | float | list) -> bytes:
    value = value if isinstance(value, Tensor) else torch.from_numpy(np.array(value))
    value = value.detach().contiguous()
    raw = value.view(RAW.get(value.dtype, value.dtype)).numpy().tobytes()
    head = [TYPES.index(value.dtype), value.dim(), *value.shape]
    return struct.pack(f'{len(head)}q', *head) + raw


def _unpack(data: bytes, cases: int) -> list[list[Tensor]]:
    data, place = bytearray(data), 0

    def number() -> int:
        nonlocal place
        place += 8
        return struct.unpack_from('q', data, place - 8)[0]

    def tensor() -> Tensor:
        nonlocal place
        dtype, dims = TYPES[number()], number()
        shape = [number() for _ in range(dims)]
        count = torch.Size(shape).numel()
        values = torch.frombuffer(data, dtype=dtype, count=count, offset=place).clone() \
            if count else torch.empty(0, dtype=dtype)
        place += count * values.element_size()
        return values.view(shape)

    return [[tensor() for _ in range(number())] for _ in range(cases)]
