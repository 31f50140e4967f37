"""The emulator of the CUDA kernels, compiled once per session."""
import pytest
from emulation.emulator import Emulator, why_not


@pytest.fixture(scope='session')
def make_emulator(tmp_path_factory):
    """``make_emulator(csrc=..., operators=..., flags=...)``: a program; one folder of objects."""
    if why_not():
        pytest.skip(why_not())
    folder = tmp_path_factory.mktemp('emulation')
    return lambda **options: Emulator(folder, **options)


@pytest.fixture(scope='session')
def emulator(make_emulator):
    return make_emulator()
