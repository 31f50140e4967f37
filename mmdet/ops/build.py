"""Compiles what this machine can compile: ``python mmdet/ops/build.py [--force]``.

The operators are plain shared libraries that register themselves with PyTorch; they
include no Python header and are rebuilt only when their sources, the compiler or torch
change. Nothing of mmdet is imported, so the file runs before anything is built.
``setup.py`` and ``compile.sh`` call it. Environment variables: CXX, FORCE_CUDA=1 (build
the CUDA kernels without a GPU), TORCH_CUDA_ARCH_LIST (e.g. "8.0;9.0+PTX"), MAX_JOBS.
"""
import argparse
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

OPS = Path(__file__).resolve().parent
ROOT = OPS.parents[1]
CSRC = OPS / 'csrc'
OBJECTS = (ROOT if (ROOT / 'setup.py').exists() else OPS) / 'build' / 'ops'
# Everything rounds as written, on every device: a product and a sum contracted to one FMA
# can move a bin, a sample count or a suppressed box. This file only adds up what others chose.
MAY_CONTRACT = ('roi_align_kernels',)
DEFAULT_ARCHITECTURES = ('8.0', '9.0+PTX')  # PTX: newer GPUs translate it at the first start


def run(command: Iterable) -> str:
    """Run a compiler; show what it says only if it fails."""
    command = [str(part) for part in command]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f'{" ".join(command)}\n{(done.stdout + done.stderr)[:4000]}')
    return done.stdout


def digest(*parts: object) -> str:
    return hashlib.sha256('\0'.join(map(str, parts)).encode()).hexdigest()


def compiler() -> str | None:
    """The C++ compiler, or None."""
    wanted = os.environ.get('CXX')
    return shutil.which(wanted) if wanted else next(
        filter(None, map(shutil.which, ('g++', 'c++', 'clang++'))), None)


def standard(cxx: str) -> str:
    """torch >= 2.15 wants C++20; compilers that lack it serve older ones."""
    ok = subprocess.run([cxx, '-std=c++20', '-fsyntax-only', '-x', 'c++', os.devnull],
                        capture_output=True).returncode == 0
    return '-std=c++20' if ok else '-std=c++17'


def torch_flags() -> tuple[Path, list]:
    """Folder of torch's libraries, and flags to compile against its headers."""
    import torch
    base = Path(torch.__file__).parent
    abi = int(torch.compiled_with_cxx11_abi())
    includes = [base / 'include', base / 'include' / 'torch' / 'csrc' / 'api' / 'include']
    flags = [f'-D_GLIBCXX_USE_CXX11_ABI={abi}']
    for folder in includes:
        flags += ['-isystem', folder]
    return base / 'lib', flags


def find_nvcc() -> tuple[str | None, str | None]:
    """(nvcc, why not): where the CUDA kernels can and should be built."""
    import torch
    home = os.environ.get('CUDA_HOME') or os.environ.get('CUDA_PATH') or '/usr/local/cuda'
    nvcc = shutil.which('nvcc') or shutil.which('nvcc', path=f'{home}/bin')
    if torch.version.cuda is None:
        return None, 'this torch has no CUDA'
    if nvcc is None:
        return None, 'no nvcc found'
    release = re.search(r'release (\d+)', run([nvcc, '--version'])).group(1)
    if release != torch.version.cuda.split('.')[0]:
        return None, f'nvcc is of CUDA {release}, torch of {torch.version.cuda}'
    if os.environ.get('FORCE_CUDA') == '1' or torch.cuda.is_available():
        return nvcc, None
    return None, 'no GPU is visible (FORCE_CUDA=1 builds them for sm_80, sm_90 and newer)'


def architectures() -> list[str]:
    """['8.0', '9.0+PTX'] from the environment, else the default and the visible GPUs.

    The default is always there: a folder may be shared with machines that have other GPUs.
    """
    import torch
    listed = os.environ.get('TORCH_CUDA_ARCH_LIST')
    if listed:
        return re.split(r'[;, ]+', listed.strip())
    visible = range(torch.cuda.device_count() if torch.cuda.is_available() else 0)
    found = {'.'.join(map(str, torch.cuda.get_device_capability(i))) for i in visible}
    known = {arch.removesuffix('+PTX') for arch in DEFAULT_ARCHITECTURES}
    return [*sorted(found - known, key=float), *DEFAULT_ARCHITECTURES]


def gencode(archs: Iterable[str]) -> list[str]:
    """nvcc flags for a list of architectures."""
    flags = []
    for arch in archs:
        match = re.fullmatch(r'(\d+)\.(\d+)([af]?)(\+PTX)?', arch)
        if match is None:
            raise SystemExit(f'TORCH_CUDA_ARCH_LIST: expected entries like "9.0" or '
                             f'"9.0+PTX", got {arch!r}')
        major, minor, suffix, ptx = match.groups()
        number = f'{major}{minor}{suffix}'
        flags += ['-gencode', f'arch=compute_{number},code=sm_{number}']
        if ptx:
            flags += ['-gencode', f'arch=compute_{number},code=compute_{number}']
    return flags


class Library:
    """Shared library ``mmdet/ops/lib<name>.so`` with the key of what it was built from."""

    def __init__(self, name: str, sources: list[Path], command: Callable[[Path], list],
                 link: list) -> None:
        self.name, self.sources = name, sources
        self.command, self.link = command, link
        self.path, self.stamp = OPS / f'lib{name}.so', OPS / f'lib{name}.json'

    def key(self, source: Path) -> str:
        headers = {*CSRC.glob('*.h'), *source.parent.glob('*.h'), *source.parent.glob('*.cuh')}
        texts = [file.read_text() for file in [source, *sorted(headers)]]
        return digest(*texts, *self.command(source), self.version)

    def compile(self, source: Path, key: str) -> Path:
        """One object file, unless it is there; returns its path."""
        target = OBJECTS / f'{self.name}-{source.stem}-{key[:16]}.o'
        if not target.exists():
            print(f'  {source.relative_to(ROOT)}', flush=True)
            OBJECTS.mkdir(parents=True, exist_ok=True)
            part = target.with_suffix(f'.{os.getpid()}.part')
            run([*self.command(source), '-c', source, '-o', part])
            part.replace(target)
        return target

    def build(self, jobs: int) -> bool:
        """True if anything was done."""
        import torch
        self.version = run([self.command(self.sources[0])[0], '--version']) + torch.__version__
        keys = [self.key(source) for source in self.sources]
        wanted = dict(torch=torch.__version__, key=digest(*keys, *self.link))
        if self.path.exists() and self.stamp.exists() and json.loads(
                self.stamp.read_text()) == wanted:
            return False
        with ThreadPoolExecutor(jobs) as pool:
            objects = list(pool.map(self.compile, self.sources, keys))
        part = self.path.with_suffix(f'.{os.getpid()}.part')
        run([self.link[0], '-shared', *objects, '-o', part, *self.link[1:]])
        part.replace(self.path)
        self.stamp.write_text(json.dumps(wanted))
        return True


def cpu_library(cxx: str) -> Library:
    lib, flags = torch_flags()
    clang = 'clang' in run([cxx, '--version'])
    # The OpenMP runtime is the one torch has loaded: compiled for, not linked.
    common = [cxx, standard(cxx), '-O3', '-fPIC', '-fvisibility=hidden', '-Wno-psabi', *flags]
    common += [] if clang else ['-fopenmp']

    def command(source: Path) -> list:
        return common + [f'-ffp-contract={"fast" if source.stem in MAY_CONTRACT else "off"}']

    sources = sorted(CSRC.rglob('*.cpp'))
    return Library('mmdet_cpu', sources, command, [cxx, f'-L{lib}', '-ltorch_cpu', '-lc10'])


def cuda_library(cxx: str, nvcc: str, archs: list[str]) -> Library:
    lib, flags = torch_flags()
    # A toolkit without cusparse.h and the like finds them in torch's wheels.
    for folder in sorted((lib.parents[1] / 'nvidia').glob('*/include')):
        flags += ['-isystem', folder]
    command = [nvcc, standard(cxx), '-ccbin', cxx, '-O3', '-fmad=false', '--expt-relaxed-constexpr',
              '-Xcompiler', '-fPIC,-fvisibility=hidden,-Wno-psabi', '-diag-suppress=20012,20014',
              *flags, *gencode(archs)]
    # The CUDA runtime, too, is the one torch has loaded.
    link = [cxx, f'-L{lib}', '-ltorch_cuda', '-ltorch_cpu', '-lc10_cuda', '-lc10']
    return Library('mmdet_cuda', sorted((CSRC / 'cuda').glob('*.cu')),
                   lambda source: command, link)


def build_loops(cxx: str) -> str:
    """Cython's loops, which need no PyTorch; returns a sentence on what happened."""
    header = Path(sysconfig.get_paths()['include']) / 'Python.h'
    if not header.exists():
        return 'loops: not compiled, Python.h is missing (install python3-dev); NumPy is used'
    try:
        from Cython.Build import cythonize
    except ImportError:
        return 'loops: not compiled, Cython is missing; NumPy is used'
    built = []
    for source in sorted((ROOT / 'mmdet').rglob('*.pyx')):
        target = source.with_name(source.stem + sysconfig.get_config_var('EXT_SUFFIX'))
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        OBJECTS.mkdir(parents=True, exist_ok=True)
        unit = cythonize([str(source)], build_dir=str(OBJECTS), quiet=True,
                         language_level=3)[0].sources[0]
        part = target.with_suffix(f'.{os.getpid()}.part')
        run([cxx, '-x', 'c', '-O3', '-fPIC', '-shared', '-w', f'-I{header.parent}', unit,
             '-o', part])
        part.replace(target)
        built.append(target.name)
    return f'loops: built {", ".join(built)}' if built else 'loops: up to date'


def say_built(device: str, archs: str, library: Library, jobs: int) -> bool:
    """Build a library and print what became of it; False if it does not compile."""
    print(f'ops: {device} library ({archs})', flush=True)
    try:
        built = library.build(jobs)
    except RuntimeError as error:
        print(f'{error}\nops: the {device} library did not compile; the slower PyTorch '
              f'path is used on {device} tensors', file=sys.stderr)
        return False
    print(f'ops: {library.path.name} {"built" if built else "up to date"}')
    return True


def build(force: bool = False) -> bool:
    """Build what this machine can build, in place, and say what it was.

    Args:
        force: compile again what is up to date.

    Returns:
        False if something that should compile did not.
    """
    if force:
        shutil.rmtree(OBJECTS, ignore_errors=True)
        for file in [*OPS.glob('libmmdet_*'), *(ROOT / 'mmdet').rglob('*.cpython-*.so')]:
            file.unlink()
    if importlib.util.find_spec('torch') is None:
        print('ops: not built, torch is not installed; run "python mmdet/ops/build.py" when it is')
        return True
    cxx = compiler()
    if cxx is None:
        print('ops: no C++ compiler found (install g++); the slower PyTorch path is used')
        return True
    jobs = int(os.environ.get('MAX_JOBS', os.cpu_count() or 1))
    platform = sysconfig.get_platform()
    archs = 'x86-64, AVX and AVX-512 chosen at run time' if platform.endswith(
        'x86_64') else platform
    done = say_built('CPU', archs, cpu_library(cxx), jobs)
    nvcc, why = find_nvcc()
    if nvcc:
        archs = architectures()
        done &= say_built('CUDA', ', '.join('sm_' + a.replace('.', '') for a in archs),
                          cuda_library(cxx, nvcc, archs), jobs)
    else:
        print(f'ops: CUDA kernels not built: {why}')
    print(build_loops(cxx))
    return done


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--force', '-f', action='store_true', help='rebuild everything')
    return 0 if build(parser.parse_args().force) else 1


if __name__ == '__main__':
    sys.exit(main())
