"""Whole files, full disks, planted links, what killed processes leave."""
import errno
import fcntl
import os
import pathlib
import resource
import subprocess
import sys

import pytest

from mmdet.utils import fileio
from mmdet.utils.errors import CannotWrite, told_to_user
from mmdet.utils.fileio import (atomic_write, clear_partials, open_partial, write_bytes,
                                write_here_or_elsewhere)


@pytest.fixture
def small_disk():
    """No file can grow beyond 50 kB; the system then refuses as where the disk is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50000, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_file_is_replaced_only_when_done(tmp_path):
    path = tmp_path / 'new' / 'a.txt'
    with atomic_write(str(path), 'w') as file:
        file.write('one')
    with pytest.raises(KeyboardInterrupt):
        with atomic_write(str(path), 'w') as file:
            file.write('two')
            raise KeyboardInterrupt
    assert path.read_text() == 'one' and os.listdir(path.parent) == ['a.txt']
    assert path.stat().st_mode & 0o777 == fileio._MODE


def test_a_full_disk_is_one_sentence_and_what_was_there_stays(tmp_path, small_disk):
    write_bytes(b'old', tmp_path / 'a.bin')
    with pytest.raises(CannotWrite) as caught:
        write_bytes(bytes(10**6), tmp_path / 'a.bin')
    assert str(caught.value) == (f'{tmp_path}/a.bin: cannot be written (File too large); choose '
                                 'another place')
    assert caught.value.errno == errno.EFBIG and caught.value.strerror == 'File too large'
    assert os.listdir(tmp_path) == ['a.bin'] and (tmp_path / 'a.bin').read_bytes() == b'old'


def refused(path):
    with pytest.raises(CannotWrite) as caught:
        write_bytes(b'new', path)
    return str(caught.value)


def test_places_that_cannot_be_written_to(tmp_path, monkeypatch):
    (tmp_path / 'file').write_text('')
    assert 'cannot be written (Not a directory)' in refused(tmp_path / 'file' / 'a')
    assert '(no ordinary file); give another name' in refused(tmp_path)
    assert '(File name too long); shorten the name' in refused(tmp_path / ('x' * 300))
    monkeypatch.setattr(fileio.tempfile, 'mkstemp', lambda **kwargs: (_ for _ in ()).throw(
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))))
    assert '(No space left on device); make room' in refused(tmp_path / 'a')
    assert not os.path.exists(tmp_path / 'a')


def test_an_error_that_is_of_another_file_is_not_taken_for_the_disks(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        with atomic_write(tmp_path / 'a'):
            open(tmp_path / 'elsewhere' / 'gone.txt')
    assert not isinstance(caught.value, CannotWrite) and 'gone.txt' in told_to_user(caught.value)


def test_links_are_not_followed(tmp_path):
    secret = tmp_path / 'secret'
    secret.write_text('keep')
    folder = tmp_path / 'out'
    folder.mkdir()
    os.symlink(secret, folder / 'a.json')
    os.symlink(secret, folder / '.mmdet-abcdefgh.part')
    write_bytes(b'new', folder / 'a.json')
    assert secret.read_text() == 'keep' and not os.path.islink(folder / 'a.json')
    assert (folder / 'a.json').read_bytes() == b'new'


KILLED = '''
import os, signal, sys
from mmdet.utils.fileio import atomic_write
with atomic_write(sys.argv[1]) as file:
    file.write(bytes(1000))
    os.kill(os.getpid(), signal.SIGKILL)
'''


def test_what_a_killed_process_left_is_cleared_and_what_another_writes_is_not(tmp_path):
    root = pathlib.Path(__file__).parents[2]
    subprocess.run([sys.executable, '-c', KILLED, tmp_path / 'a'], cwd=root)
    left, = tmp_path.iterdir()
    handle, busy = open_partial(tmp_path / 'b', '.mp4')
    (tmp_path / 'mine.part').write_text('')
    for path in tmp_path.iterdir():
        os.utime(path, (0, 0))
    clear_partials.cache_clear()
    clear_partials(str(tmp_path))
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        ['mine.part', os.path.basename(busy)])
    fcntl.flock(handle, fcntl.LOCK_UN)
    os.close(handle)
    clear_partials.cache_clear()
    write_bytes(b'', tmp_path / 'c')
    assert sorted(p.name for p in tmp_path.iterdir()) == ['c', 'mine.part']


def test_what_has_no_room_is_written_elsewhere(tmp_path, monkeypatch):
    (tmp_path / 'file').write_text('')
    (tmp_path / 'spare').mkdir()
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path / 'spare'))
    wanted = tmp_path / 'file' / 'x.pkl'  # no folder
    with pytest.raises(CannotWrite, match='x.pkl: cannot be written .* it was written to .*x.pkl'):
        write_here_or_elsewhere(lambda path: write_bytes(b'hours', path), wanted)
    kept, = (tmp_path / 'spare').glob('*/x.pkl')
    assert kept.read_bytes() == b'hours'
    write_here_or_elsewhere(lambda path: write_bytes(b'here', path), tmp_path / 'x.pkl')
    assert (tmp_path / 'x.pkl').read_bytes() == b'here'
