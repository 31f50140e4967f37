"""The package. Its compiled operators are built by ``mmdet/ops/build.py``.

``pip install -e .`` and ``python setup.py build_ext --inplace`` both build them in place.
"""
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

from setuptools import Distribution, find_packages, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
EXTRAS = {
    'eval': ['trackeval>=1.3', 'jinja2>=3.1'],  # HOTA and identities; report pages
    'export': ['onnx>=1.17', 'onnxruntime>=1.20', 'onnxscript>=0.3'],
    'interop': ['pandas>=2.0', 'supervision>=0.20'],  # tables; annotators of others
    'tune': ['scipy>=1.9', 'optuna>=4.0'],  # test_cfg.track.assigner='hungarian'; --sampler tpe
}


def build_operators(*options: str) -> bool:
    """Run the builder where torch is; False if something did not compile.

    pip builds in an environment of its own, without torch, that lies on PYTHONPATH.
    Without that variable the interpreter sees the packages it will run with.
    """
    environment = dict(os.environ)
    if importlib.util.find_spec('torch') is None:
        environment.pop('PYTHONPATH', None)
    command = [sys.executable, str(ROOT / 'mmdet' / 'ops' / 'build.py'), *options]
    return subprocess.run(command, env=environment).returncode == 0


class BuildOps(build_ext):
    """``build_ext``: what this machine can build; always in place."""

    def run(self):
        if not build_operators(*['--force'] * bool(self.force)):
            raise SystemExit(1)


class BuildPackage(build_py):
    """Operators first: an installed package carries them as data, an editable one in place."""

    def run(self):
        build_operators()  # it has said what failed; the package works without, more slowly
        super().run()


class Platform(Distribution):
    """A wheel with compiled operators fits one platform."""

    def has_ext_modules(self):
        return True


def requirements(path):
    lines = (ROOT / path).read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith('#')]


if __name__ == '__main__':
    text = (ROOT / 'mmdet' / '__init__.py').read_text()
    setup(
        name='mmdet',
        version=re.search(r"__version__ = '(.+)'", text).group(1),
        description='MaskTrack R-CNN: video instance segmentation on current PyTorch',
        license='Apache-2.0',
        python_requires='>=3.10',
        packages=find_packages(include=['mmdet', 'mmdet.*']),
        package_data={'': ['*.so', '*.pyx', 'py.typed'],
                      'mmdet.ops': ['libmmdet_*.json', 'csrc/**/*'],
                      'mmdet.visualization.error_page': ['page.*']},
        install_requires=requirements('requirements.txt'),
        extras_require={**EXTRAS, 'test': requirements('tests/requirements.txt')},
        ext_modules=[],
        distclass=Platform,
        cmdclass=dict(build_ext=BuildOps, build_py=BuildPackage))
