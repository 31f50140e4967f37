"""Published weights: fetched once, compared with the hash in their name, or told where to put."""
import functools
import hashlib
import http.server
import os
import threading

import pytest
import torch

from mmdet.checkpoint import download, read_checkpoint


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Publish bytes as a file of torchvision's, named by their hash or another; its path here."""
    site, cache = tmp_path / 'site', tmp_path / 'cache'
    site.mkdir()
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(cache))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(site))
    monkeypatch.setattr(handler.func, 'log_message', lambda *args: None)
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def publish(content, sha256=None):
            name = f'weights-{(sha256 or hashlib.sha256(content).hexdigest())[:8]}.pth'
            (site / name).write_bytes(content)
            url = f'http://127.0.0.1:{server.server_port}/{name}'
            monkeypatch.setattr(download, 'torchvision_url', lambda *args: url)
            return cache / 'checkpoints' / name

        yield publish
        server.shutdown()


@pytest.fixture
def content(tmp_path):
    torch.save(dict(a=torch.ones(3)), tmp_path / 'a.pth')
    return (tmp_path / 'a.pth').read_bytes()


def test_fetched_once_and_said_so(published, content, spoken):
    path = published(content)
    for _ in range(2):
        assert read_checkpoint('torchvision://weights')['a'].tolist() == [1, 1, 1]
    assert os.listdir(path.parent) == [path.name] and path.read_bytes() == content
    said, = spoken
    assert said.startswith('torchvision://weights: fetching http://127.0.0.1')
    assert said.endswith(f'{path.name} into {path.parent}')


def test_what_has_another_hash_is_not_kept(published, content):
    path = published(content, sha256='0' * 64)
    with pytest.raises(ConnectionError, match='cannot be downloaded .invalid hash value'):
        read_checkpoint('torchvision://weights')
    assert os.listdir(path.parent) == []


def test_a_file_put_there_by_hand(published, content, spoken):
    path = published(content)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert read_checkpoint('torchvision://weights')['a'].tolist() == [1, 1, 1] and not spoken
    path.write_bytes(content[:-1] + b'x')
    with pytest.raises(ValueError, match=f'{path.name} is not the published file: its SHA-256'):
        read_checkpoint('torchvision://weights')
    assert path.exists()


def test_a_dead_network_says_where_to_put_the_file(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    url = 'http://127.0.0.1:9/w-01234567.pth'
    monkeypatch.setattr(download, 'torchvision_url', lambda *args: url)
    with pytest.raises(ConnectionError) as caught:
        read_checkpoint('torchvision://weights')
    text = str(caught.value)
    assert f'fetch {url} on a machine with a connection' in text
    assert f'put it at {tmp_path}/checkpoints/w-01234567.pth;' in text and '\n' not in text


def test_the_weights_of_the_demo_carry_their_hash():
    url = download.torchvision_url('', 'maskrcnn_resnet50_fpn_coco')
    assert url.endswith('/maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth')
    assert download._sha256_in(url) == 'bf2d0c1e'
    assert download._sha256_in('https://x/resnet50_fbgemm_bf931d71.pth') == 'bf931d71'
    assert download._sha256_in('https://x/weights.pth') == ''
