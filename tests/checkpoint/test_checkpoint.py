"""Loading and saving weights: what fits, what may differ, what is refused."""
import functools
import http.server
import os
import resource
import threading
from collections import OrderedDict

import numpy as np
import pytest
import torch
from mmengine.logging.history_buffer import HistoryBuffer
from torch import nn

from mmdet.checkpoint import download, load_checkpoint, read_checkpoint, save_checkpoint
from mmdet.checkpoint.download import elsewhere


class Net(nn.Module):

    def __init__(self, classes=4, track=True):
        super().__init__()
        self.backbone = nn.Linear(2, 2)
        self.bbox_head = nn.Module()
        self.bbox_head.fc_cls = nn.Linear(2, classes)
        if track:
            self.track_head = nn.Linear(2, 2)


def saved(tmp_path, content, name='a.pth'):
    path = str(tmp_path / name)
    save_checkpoint(content, path)
    return path


@pytest.mark.parametrize('prefix', ['', 'module.'])
def test_classic_checkpoint_with_and_without_prefix(tmp_path, prefix):
    source, target = Net(), Net()
    state = {prefix + k: v for k, v in source.state_dict().items()}
    path = saved(tmp_path, dict(state_dict=state, meta=dict(epoch=3)))
    report = load_checkpoint(target, path, strict=True)
    assert len(report.loaded) == 6 and report.meta == dict(epoch=3)
    assert torch.equal(target.backbone.weight, source.backbone.weight)
    assert torch.equal(target.bbox_head.fc_cls.bias, source.bbox_head.fc_cls.bias)


def test_coco_weights_skip_classifier_and_track_head_in_one_line(tmp_path):
    path = saved(tmp_path, Net(81, track=False).state_dict())
    report = load_checkpoint(Net(), path)
    assert report.loaded == ['backbone.weight', 'backbone.bias']
    assert report.shape[0] == ('bbox_head.fc_cls.weight', (81, 2), (4, 2))
    assert report.missing == ['track_head.bias', 'track_head.weight']
    assert report.skipped(expected=False) == []
    assert '\n' not in report.summary()
    assert 'bbox_head.fc_cls' in report.summary()


def test_unexpected_difference_is_an_error_unless_allowed(tmp_path):
    state = Net().state_dict()
    del state['backbone.bias']
    path = saved(tmp_path, dict(state_dict={**state, 'neck.w': torch.ones(1)}))
    with pytest.raises(ValueError, match='backbone.bias is missing.*neck.w is not'):
        load_checkpoint(Net(), path)
    report = load_checkpoint(Net(), path, allow_partial=True)
    assert (report.missing, report.unexpected) == (['backbone.bias'], ['neck.w'])


def test_strict_also_refuses_the_usual_differences(tmp_path):
    path = saved(tmp_path, Net(81).state_dict())
    with pytest.raises(ValueError, match=r'fc_cls.weight is \(81, 2\) in the file'):
        load_checkpoint(Net(), path, strict=True)


def test_imagenet_classifier_is_dropped(tmp_path):
    state = {**nn.Linear(2, 2).state_dict(), 'fc.weight': torch.ones(3, 2)}
    report = load_checkpoint(nn.Linear(2, 2), saved(tmp_path, state))
    assert report.unexpected == ['fc.weight'] and len(report.loaded) == 2


def test_missing_file_says_where_weights_are():
    with pytest.raises(FileNotFoundError, match='no such checkpoint.*torchvision://'):
        read_checkpoint('nowhere.pth')


@pytest.mark.parametrize('size', [0, 10, 900])
def test_truncated_file_is_refused(tmp_path, size):
    path = saved(tmp_path, dict(state_dict=dict(a=torch.zeros(3000))))
    with open(path, 'rb+') as file:
        file.truncate(size)
    with pytest.raises(ValueError, match='cut short|no checkpoint'):
        read_checkpoint(path)


class Evil:

    def __reduce__(self):
        return os.mkdir, ('pwned', )


@pytest.mark.parametrize('zipped', [True, False])
def test_malicious_pickle_is_refused(tmp_path, monkeypatch, zipped):
    monkeypatch.chdir(tmp_path)
    torch.save(dict(state_dict={}, meta=Evil()), 'evil.pth',
               _use_new_zipfile_serialization=zipped)
    with pytest.raises(ValueError, match='refused: it holds an object of type'):
        read_checkpoint('evil.pth')
    assert not os.path.exists('pwned')


def test_dead_url_is_one_sentence_with_the_alternatives(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    url = 'http://127.0.0.1:9/mask_rcnn_r50_fpn_1x_20181010-069fa190.pth'
    with pytest.raises(ConnectionError) as caught:
        load_checkpoint(Net(), url)
    text = str(caught.value)
    assert '\n' not in text and url in text
    assert 'torchvision://maskrcnn_resnet50_fpn_coco' in text
    assert '--load_from PATH' in text and '--load_from none' in text


def test_model_zoo_names_are_understood():
    assert 'maskrcnn_resnet50_fpn_coco-' in download.torchvision_url(
        '', 'maskrcnn_resnet50_fpn_coco')
    assert 'resnet50-0676ba61' in download.torchvision_url('', 'resnet50')
    assert 'resnext101_32x4d' in download.openmmlab_url('', 'resnext101_32x4d')
    with pytest.raises(ValueError, match='torchvision has no model "resnet5"'):
        read_checkpoint('modelzoo://resnet5')
    with pytest.raises(ValueError, match='unknown scheme "s3"'):
        read_checkpoint('s3://bucket/a.pth')


def test_full_disk_keeps_what_was_saved(tmp_path, monkeypatch):
    path = saved(tmp_path, dict(a=torch.ones(2)))

    def full(*args, **kwargs):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(torch, 'save', full)
    with pytest.raises(OSError, match='No space left'):
        save_checkpoint(dict(a=torch.zeros(2)), path)
    assert torch.equal(read_checkpoint(path)['a'], torch.ones(2))
    assert os.listdir(tmp_path) == ['a.pth']


def test_a_disk_that_is_really_full_says_so(tmp_path):
    path, limits = str(tmp_path / 'a.pth'), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100000, limits[1]))
    try:
        with pytest.raises(OSError, match='File too large'):
            save_checkpoint(dict(a=torch.zeros(10**6)), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert os.listdir(tmp_path) == []


def test_downloads_do_not_mix(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'cache'))
    for name in 'ab':
        os.mkdir(tmp_path / name)
        saved(tmp_path, dict(x=torch.tensor([ord(name)])), f'{name}/latest.pth')
    whole = (tmp_path / 'a' / 'latest.pth').read_bytes()
    (tmp_path / 'a' / 'latest.pth').write_bytes(whole[:300])
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f'http://127.0.0.1:{server.server_port}/%s/latest.pth'
        with pytest.raises(ValueError, match='cut short.*run this again to fetch it anew'):
            read_checkpoint(url % 'a')
        (tmp_path / 'a' / 'latest.pth').write_bytes(whole)
        values = [read_checkpoint(url % name)['x'].item() for name in 'ab']
        server.shutdown()
    assert values == [ord('a'), ord('b')]
    with pytest.raises(ConnectionError, match='cannot be downloaded.*use load_from = "torchv'):
        read_checkpoint('http://127.0.0.1:9/x y.pth')
    assert 'torchvision' not in elsewhere('torchvision://maskrcnn_resnet50_fpn_coco')


def test_checkpoint_of_mmengine_can_be_read(tmp_path):
    history = HistoryBuffer([1., 2.], [1, 1])
    path = saved(tmp_path, dict(
        state_dict=Net().state_dict(), meta=dict(epoch=2, iter=np.int64(7)),
        message_hub=dict(log_scalars={'train/loss': history})))
    read = read_checkpoint(path)
    assert read['message_hub']['log_scalars']['train/loss']['_log_history'].mean() == 1.5
    assert read['meta']['iter'] == 7 and len(load_checkpoint(Net(), path).loaded) == 6


def test_anything_but_a_dict_is_refused(tmp_path):
    torch.save([1, 2], tmp_path / 'list.pth')
    with pytest.raises(ValueError, match='expected a dict of tensors, got list'):
        read_checkpoint(str(tmp_path / 'list.pth'))


def test_tensors_of_a_device_are_stored_as_those_of_a_cpu(pretend, tmp_path, monkeypatch):
    weights, stored = OrderedDict(a=pretend.put(torch.arange(3.))), []
    weights._metadata = dict(version=2)
    monkeypatch.setattr(torch, 'save', lambda value, file: stored.append(value))
    save_checkpoint(dict(state_dict=weights, optimizer=[weights['a']]), str(tmp_path / 'x.pth'))
    found = stored[0]
    assert found['state_dict']['a'].is_cpu and found['optimizer'][0].is_cpu
    assert found['state_dict']._metadata == dict(version=2) and not weights['a'].is_cpu
