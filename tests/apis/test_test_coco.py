"""Images in COCO format go through the same command."""
import json
import pathlib

import pytest

from mmdet.apis.test import TestOptions, run


def coco_content(content):
    """The frames of the first video of a YouTube-VIS file as single images."""
    video = content['videos'][0]
    images = [dict(id=100 + t, file_name=name, height=video['height'], width=video['width'])
              for t, name in enumerate(video['file_names'][:2])]
    annotations = [
        dict(id=10 * ann['id'] + t, image_id=100 + t, category_id=ann['category_id'], iscrowd=0,
             bbox=ann['bboxes'][t], area=ann['areas'][t], segmentation=ann['segmentations'][t])
        for ann in content['annotations'] if ann['video_id'] == video['id']
        for t in range(2) if ann['bboxes'][t]]
    return dict(images=images, annotations=annotations, categories=content['categories'])


@pytest.fixture(scope='module')
def coco_file(tiny, tmp_path_factory):
    path = tmp_path_factory.mktemp('coco') / 'coco.json'
    path.write_text(json.dumps(coco_content(json.loads((tiny.folder / 'test.json').read_text()))))
    return str(path)


def test_coco_images(tiny, coco_file, tmp_path):
    changes = {'data.test.type': 'CocoDataset', 'data.test.ann_file': coco_file}
    options = TestOptions(tiny.config, tiny.checkpoint, str(tmp_path / 'x.pkl'),
                          eval=['bbox', 'segm'], cfg_options=changes)
    metrics = run(options)
    assert list(metrics) == ['bbox', 'segm'] and all(0 <= m['AP'] <= 1 for m in metrics.values())
    masks, boxes = (json.loads((tmp_path / name).read_text())
                    for name in ('x.pkl.json', 'x.pkl.bbox.json'))
    assert len(masks) == len(boxes) > 0 and {m['image_id'] for m in masks} == {100, 101}
    shots = tiny.case['frames'][0]['objects']
    got = sorted(b['score'] for b in boxes if b['image_id'] == 100)
    assert got[-len(shots):] == pytest.approx(sorted(o['bbox'][4] for o in shots), abs=1e-3)
    assert pathlib.Path(tmp_path / 'x.pkl').exists()
