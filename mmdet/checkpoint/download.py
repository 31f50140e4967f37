"""Where weights come from: paths, URLs and model zoos; each fetched once a machine."""
import hashlib
import http.client
import os
import socket
import urllib.parse

import torch

from mmdet.utils.errors import BadValue, NoConnection

COCO_WEIGHTS = 'torchvision://maskrcnn_resnet50_fpn_coco'


def elsewhere(asked: str) -> str:
    """What to do where weights are not to be had: never what just failed."""
    other = '' if asked.startswith('torchvision://') else f'use load_from = "{COCO_WEIGHTS}", or '
    return (f'{other}download weights on a machine with a connection and pass --load_from PATH, '
            'or start without any: --load_from none --cfg-options model.pretrained=None')


def local_copy(filename: str) -> str:
    """The path of a checkpoint named by path, URL or model zoo."""
    scheme, found, name = filename.partition('://')
    if not found:
        return os.path.expanduser(filename)
    if scheme in ('torchvision', 'modelzoo'):
        return _download(torchvision_url(filename, name), filename)
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


def _download(url: str, asked: str) -> str:
    """Fetch a URL into torch's cache once a machine; returns the path."""
    folder = os.path.join(torch.hub.get_dir(), 'checkpoints')
    name = os.path.basename(urllib.parse.urlsplit(url).path) or 'checkpoint.pth'
    if url == asked:  # somebody's file: other servers have a latest.pth, too
        name = f'{hashlib.sha256(url.encode()).hexdigest()[:8]}-{name}'
    path = os.path.join(folder, name)
    if os.path.isfile(path):
        return path
    os.makedirs(folder, exist_ok=True)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(30)
    try:
        torch.hub.download_url_to_file(url, path, progress=os.environ.get('LOCAL_RANK', '0') == '0')
    except (OSError, RuntimeError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, 'reason', error)
        raise NoConnection(f'{asked}: cannot be downloaded ({reason}); '
                           f'{elsewhere(asked)}') from None
    finally:
        socket.setdefaulttimeout(before)
    return path
