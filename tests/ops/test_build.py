"""The compiler driver: what it asks the compilers for."""
import pathlib

import pytest
import torch

from mmdet.ops import build


def test_default_architectures_serve_newer_cards(monkeypatch):
    monkeypatch.delenv('TORCH_CUDA_ARCH_LIST', raising=False)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    assert build.gencode(build.architectures()) == [
        '-gencode', 'arch=compute_80,code=sm_80', '-gencode', 'arch=compute_90,code=sm_90',
        '-gencode', 'arch=compute_90,code=compute_90']


def test_visible_gpus_come_on_top_of_the_default(monkeypatch):
    monkeypatch.delenv('TORCH_CUDA_ARCH_LIST', raising=False)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 3)
    seen = [(10, 0), (9, 0), (7, 5)]
    monkeypatch.setattr(torch.cuda, 'get_device_capability', seen.__getitem__)
    assert build.architectures() == ['7.5', '10.0', '8.0', '9.0+PTX']


def test_architectures_of_the_environment(monkeypatch):
    monkeypatch.setenv('TORCH_CUDA_ARCH_LIST', '8.6; 10.0a+PTX')
    assert build.gencode(build.architectures())[1::2] == [
        'arch=compute_86,code=sm_86', 'arch=compute_100a,code=sm_100a',
        'arch=compute_100a,code=compute_100a']
    with pytest.raises(SystemExit, match="got 'sm_90'"):
        build.gencode(['sm_90'])


def test_only_sums_may_become_fmas():
    cxx = build.compiler()
    if cxx is None:
        pytest.skip('no C++ compiler')
    cpu = build.cpu_library(cxx)
    contracted = [file.stem for file in cpu.sources if '-ffp-contract=fast' in cpu.command(file)]
    assert contracted == ['roi_align_kernels'] and len(cpu.sources) > 5
    assert all('-ffp-contract=off' in cpu.command(file) for file in cpu.sources
               if file.stem not in contracted)
    cuda = build.cuda_library(cxx, 'nvcc', ['9.0'])
    assert all('-fmad=false' in cuda.command(file) for file in cuda.sources) and cuda.sources


def test_nothing_of_the_package_is_imported():
    text = pathlib.Path(build.__file__).read_text()
    assert 'import mmdet' not in text and 'from mmdet' not in text
