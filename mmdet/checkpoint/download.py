"""Where weights come from: paths, URLs and model zoos; each fetched once a machine."""
import hashlib
import http.client
import os
import re
import socket
import urllib.parse

import torch

from mmdet.utils.errors import BadValue, NoConnection
from mmdet.utils.logger import get_root_logger

COCO_WEIGHTS = 'torchvision://maskrcnn_resnet50_fpn_coco'

WITHOUT = 'start without any: --load_from none --cfg-options model.pretrained=None'


def elsewhere(asked: str) -> str:
    """What to do where weights are not to be had: never what just failed."""
    return (f'{_instead_of(asked)}download weights on a machine with a connection and pass '
            f'--load_from PATH, or {WITHOUT}')


def _instead_of(asked: str) -> str:
    return '' if asked.startswith('torchvision://') else f'use load_from = "{COCO_WEIGHTS}", or '


def local_copy(filename: str) -> str:
    """The path of a checkpoint named by path, URL or model zoo."""
    scheme, found, name = filename.partition('://')
    if not found:
        return os.path.expanduser(filename)
    if scheme in ('torchvision', 'modelzoo'):
        url = torchvision_url(filename, name)
        return _download(url, filename, _sha256_in(url))
    if scheme in ('open-mmlab', 'openmmlab'):
        return _download(openmmlab_url(filename, name), filename)
    if scheme in ('http', 'https'):
        return _download(filename, filename)
    raise BadValue(f'{filename}: unknown scheme "{scheme}"; expected a path, '
                   'http(s)://, torchvision://, modelzoo:// or open-mmlab://')


def torchvision_url(filename: str, name: str) -> str:
    """Where torchvision keeps the weights of a model, e.g. ``resnet50``."""
    import torchvision  # takes a second or two, and a file needs none of it
    name = name.removesuffix('_coco')
    try:
        weights = torchvision.models.get_model_weights(name)
    except ValueError:
        raise BadValue(
            f'{filename}: torchvision has no model "{name}"; for instance '
            '"resnet50" or "maskrcnn_resnet50_fpn_coco"') from None
    # The first entry is the one the classic configs mean (version 1).
    return next(iter(weights)).url


def openmmlab_url(filename: str, name: str) -> str:
    """Where OpenMMLab keeps the weights of this name, e.g. ``resnext101_32x4d``."""
    from mmengine.runner.checkpoint import get_external_models
    urls = get_external_models()
    if name not in urls:
        raise BadValue(f'{filename}: open-mmlab has no weights "{name}"; '
                       f'known are {", ".join(sorted(urls))}')
    return urls[name]


def _sha256_in(url: str) -> str:
    """How the SHA-256 of a file begins, which torchvision writes at the end of its name."""
    found = re.search(r'[-_]([0-9a-f]{8,})\.\w+$', url)
    return found[1] if found else ''


def _download(url: str, asked: str, sha256: str = '') -> str:
    """Fetch a URL into torch's cache once a machine; returns the path.

    Args:
        asked: what the user named, for messages.
        sha256: how it begins, if that is known; checked of a file that lies there already, too.

    Raises:
        ConnectionError: it cannot be fetched, or something else came.
        ValueError: a file that lies there already is another one.
    """
    folder = os.path.join(torch.hub.get_dir(), 'checkpoints')
    name = os.path.basename(urllib.parse.urlsplit(url).path) or 'checkpoint.pth'
    if url == asked:  # somebody's file: other servers have a latest.pth, too
        name = f'{hashlib.sha256(url.encode()).hexdigest()[:8]}-{name}'
    path = os.path.join(folder, name)
    if os.path.isfile(path):
        _check_hash(path, asked, sha256)
        return path
    first = os.environ.get('LOCAL_RANK', '0') == '0'
    if first:
        get_root_logger().info('%s: fetching %s into %s', asked, url, folder)
    os.makedirs(folder, exist_ok=True)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(30)
    try:  # to a temporary name first; sha256 is compared before it gets its own
        torch.hub.download_url_to_file(url, path, sha256 or None, progress=first)
    except (OSError, RuntimeError, ValueError, http.client.HTTPException) as error:
        reason, what = getattr(error, 'reason', error), 'it' if url == asked else url
        raise NoConnection(f'{asked}: cannot be downloaded ({reason}); fetch {what} on a machine '
                           f'with a connection and put it at {path}; to train, '
                           f'{_instead_of(asked)}pass another file as --load_from PATH, or '
                           f'{WITHOUT}') from None
    finally:
        socket.setdefaulttimeout(before)
    return path


def _check_hash(path: str, asked: str, sha256: str) -> None:
    """ValueError if a file is not the one that was published."""
    if not sha256:
        return
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    found = digest.hexdigest()[:len(sha256)]
    if found != sha256:
        raise BadValue(f'{asked}: {path} is not the published file: its SHA-256 begins with '
                       f'{found}, not {sha256}; remove it and run this again')
