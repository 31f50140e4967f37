"""The Dockerfile names what is there; images are built where there is Docker, not here."""
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[1]
DOCKERFILE = ROOT / '.github' / 'docker' / 'Dockerfile'
TEXT = re.sub(r'\\\n\s*', '', DOCKERFILE.read_text())


def test_files_it_copies_and_runs_exist():
    copied = [words.split()[:-1] for words in re.findall(r'^COPY (?!--from)(.+)$', TEXT, re.M)]
    run = re.findall(r'(?:python|bash) ([\w/.]+\.(?:py|sh))', TEXT.replace('", "', ' '))
    assert len(copied) >= 6 and {'compile.sh', 'tools/setup/install.py', 'tools/demo.py'} <= {*run}
    for name in [*sum(copied, []), *run]:
        assert (ROOT / name).exists(), name


def test_stages_and_libraries_it_waits_for():
    stages = re.findall(r'^FROM (\S+) AS (\S+)$', TEXT, re.M)
    names = [name for _, name in stages]
    assert {'cpu', 'cuda'} <= {*names}
    assert set(re.findall(r'--from=(\S+)', TEXT)) <= {*names}
    build = (ROOT / 'mmdet/ops/build.py').read_text()
    libraries = re.findall(r'mmdet/ops/lib(\w+)\.so', TEXT)
    assert sorted(libraries) == ['mmdet_cpu', 'mmdet_cuda']
    assert all(f"Library('{name}'" in build for name in libraries)


def test_python_and_torch_are_new_enough():
    pinned = dict(re.findall(r'^ARG (TORCH\w*)=([\d.]+)$', TEXT, re.M))
    needed = dict(re.findall(r'^(torch\w*)>=([\d.]+)$', (ROOT / 'requirements.txt').read_text(),
                             re.M))
    assert set(pinned) == {'TORCH', 'TORCHVISION'}
    for name, version in pinned.items():
        assert [*map(int, version.split('.'))] >= [*map(int, needed[name.lower()].split('.'))]


def test_data_and_what_was_compiled_stay_outside():
    ignored = (DOCKERFILE.parent / 'Dockerfile.dockerignore').read_text().splitlines()
    assert {'data/*', 'work_dirs', 'build', '**/*.so', 'mmdet/ops/lib*.json'} <= {*ignored}


@pytest.mark.skipif(shutil.which('hadolint') is None, reason='hadolint is not installed')
def test_a_linter_has_nothing_to_say():
    run = subprocess.run(['hadolint', '--no-color', DOCKERFILE], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
