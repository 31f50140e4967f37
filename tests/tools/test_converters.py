"""Own data to YouTube-VIS: masks as png, COCO frames, labelme."""
import json
import pathlib
import subprocess
import sys

import cv2
import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from mmdet.curation.audit import audit_annotations
from mmdet.formats.ytvos import YTVOS

TOOLS = pathlib.Path(__file__).parents[2] / 'tools' / 'convert_datasets'
SQUARE = [[20, 5], [30, 5], [30, 15], [20, 15]]


def run(tool, *args):
    return subprocess.run([sys.executable, TOOLS / tool, *map(str, args)], capture_output=True,
                          text=True)


def converted(tool, tmp_path, *args):
    """The annotation file a converter writes; it has no faults."""
    done = run(tool, *args, '--out', tmp_path / 'ann.json')
    assert done.returncode == 0, done.stderr
    data = json.loads((tmp_path / 'ann.json').read_text())
    assert [f for f in audit_annotations(data, 'ann') if f.level == 'error'] == []
    return YTVOS(data), done.stdout


@pytest.fixture
def frames(tmp_path):
    """Frames 8, 9 and 10 of one video, 40x30 pixels."""
    folder = tmp_path / 'frames' / 'street'
    folder.mkdir(parents=True)
    for number in (8, 9, 10):
        cv2.imwrite(str(folder / f'{number}.jpg'), np.zeros((30, 40, 3), np.uint8))
    return folder.parent


@pytest.fixture
def masks(tmp_path):
    """Object 1 in all frames, object 2 in the last; 255 is nothing."""
    folder = tmp_path / 'masks' / 'street'
    folder.mkdir(parents=True)
    for number in (8, 9, 10):
        pixels = np.zeros((30, 40), np.uint8)
        pixels[5:15, 20:30] = 1
        pixels[20:24, 0:4] = 2 if number == 10 else 255
        Image.fromarray(pixels).save(folder / f'{number}.png')
    return folder.parent


def test_mask_png(frames, masks, tmp_path):
    ytvos, out = converted('mask_png2ytvis.py', tmp_path, frames, masks, '--category', 'car')
    assert ytvos.vids[1]['file_names'] == ['street/8.jpg', 'street/9.jpg', 'street/10.jpg']
    assert [ann['areas'] for ann in ytvos.anns.values()] == [[100] * 3, [None, None, 16]]
    assert ytvos.anns[1]['bboxes'][0] == [20, 5, 10, 10]
    assert ytvos.annToMask(ytvos.anns[2], 2)[20:24, 0:4].all()
    assert '1 videos, 2 objects, 4 masks, classes: car' in out


@pytest.mark.parametrize('meta', [
    {'street': {'1': 'car', '2': 'bus'}},
    {'videos': {'street': {'objects': {'1': {'category': 'car'}, '2': {'category': 'bus'}}}}},
])
def test_mask_png_with_classes_from_a_file(frames, masks, tmp_path, meta):
    (tmp_path / 'meta.json').write_text(json.dumps(meta))
    ytvos, _ = converted('mask_png2ytvis.py', tmp_path, frames, masks, '--meta',
                         tmp_path / 'meta.json')
    assert [c['name'] for c in ytvos.cats.values()] == ['bus', 'car']
    assert [ann['category_id'] for ann in ytvos.anns.values()] == [2, 1]


def labelme(folder, name, shapes):
    content = dict(version='5', imagePath=f'{name}.jpg', imageHeight=30, imageWidth=40,
                   shapes=[dict(label=label, points=points, group_id=group, shape_type=kind)
                           for label, points, group, kind in shapes])
    (folder / f'{name}.json').write_text(json.dumps(content))


def test_labelme(frames, tmp_path):
    box = [[0, 20], [4, 24]]
    labelme(frames / 'street', 8, [('car', SQUARE, None, 'polygon'), ('bus', box, 1, 'rectangle')])
    labelme(frames / 'street', 10, [('car', SQUARE, None, 'polygon'), ('bus', box, 1, 'rectangle'),
                                    ('bus', [[10, 20], [14, 24]], 1, 'rectangle'),
                                    ('bus', box, 2, 'rectangle')])
    ytvos, out = converted('labelme2ytvis.py', tmp_path, frames)
    names = [ytvos.cats[ann['category_id']]['name'] for ann in ytvos.anns.values()]
    assert names == ['car', 'bus', 'bus'] and '1 of 3 frames have no .json' in out
    assert [ann['areas'] for ann in ytvos.anns.values()] == [
        [100, None, 100], [16, None, 32], [None, None, 16]]


def coco(**changes):
    images = [dict(id=i, file_name=f'street/{i}.jpg', width=40, height=30) for i in (10, 9, 8)]
    flat = [[value for point in SQUARE for value in point]]
    anns = [dict(id=i, image_id=i, category_id=7, track_id=3, segmentation=flat, iscrowd=0)
            for i in (10, 8)]
    return dict(dict(images=images, annotations=anns, categories=[dict(id=7, name='car')]),
                **changes)


def test_coco_frames(tmp_path):
    (tmp_path / 'coco.json').write_text(json.dumps(coco()))
    ytvos, _ = converted('coco_frames2ytvis.py', tmp_path, tmp_path / 'coco.json')
    assert ytvos.vids[1]['file_names'] == ['street/8.jpg', 'street/9.jpg', 'street/10.jpg']
    assert ytvos.anns[1]['areas'] == [100, None, 100] and len(ytvos.anns) == 1
    assert ytvos.cats == {1: dict(id=1, name='car')}


@pytest.mark.parametrize('content, message', [
    (coco(annotations=[{k: v for k, v in a.items() if k != 'track_id'}
                       for a in coco()['annotations']]), 'no annotation has a track id'),
    (coco(categories=None), 'no list "categories"'),
    (coco(annotations=[dict(coco()['annotations'][0], segmentation=[[1, 2]])]), 'three points'),
    (coco(images=coco()['images'][:1]), '"image_id" is 8, and the file lists no such'),
    (coco(images=[dict(coco()['images'][0], width=10**5, height=10**5)]),
     'expected at most 268435456 pixels of a picture 100000 pixels wide as "height"'),
    (coco(categories=[dict(id=7, name='x' * 10**6)]), 'expected a text of at most 200 characters'),
    (coco(categories=[dict(id=[7], name='x')]), 'expected a number or a text as "id", got [7]'),
])
def test_coco_errors(tmp_path, content, message):
    (tmp_path / 'coco.json').write_text(json.dumps(content))
    done = run('coco_frames2ytvis.py', tmp_path / 'coco.json', '--out', tmp_path / 'ann.json')
    assert done.returncode == 1 and message in done.stderr and 'Traceback' not in done.stderr
    assert not (tmp_path / 'ann.json').exists()


def test_objects_that_cannot_be_told_apart(frames, tmp_path):
    labelme(frames / 'street', 8, [('car', SQUARE, None, 'polygon')] * 2)
    done = run('labelme2ytvis.py', frames, '--out', tmp_path / 'ann.json')
    assert done.returncode == 1 and '2 shapes are labelled "car" without a group id' in done.stderr


def test_masks_of_another_size_or_colour(frames, masks, tmp_path):
    Image.new('L', (20, 30), 1).save(masks / 'street' / '8.png')
    done = run('mask_png2ytvis.py', frames, masks, '--category', 'car', '--out', tmp_path / 'a')
    assert 'the mask is 20 x 30 pixels, the frame 40 x 30' in done.stderr
    Image.new('RGB', (40, 30)).save(masks / 'street' / '8.png')
    done = run('mask_png2ytvis.py', frames, masks, '--category', 'car', '--out', tmp_path / 'a')
    assert done.returncode == 1 and 'this one is in colour' in done.stderr


def replace_masks(masks, write):
    for path in sorted((masks / 'street').iterdir()):
        pixels = np.array(Image.open(path)) == 1
        path.unlink()
        write(path, np.where(pixels, 255, 0).astype(np.uint8))


def test_masks_of_0_and_255_are_one_object(frames, masks, tmp_path):
    replace_masks(masks, lambda path, pixels: Image.fromarray(pixels).save(path))
    ytvos, out = converted('mask_png2ytvis.py', tmp_path, frames, masks, '--category', 'car')
    assert [ann['areas'] for ann in ytvos.anns.values()] == [[100] * 3]
    assert '255 is taken as the one object' in out


def test_masks_in_a_folder_for_each_object(frames, masks, tmp_path):
    def write(path, pixels):
        for key in ('3', '12'):
            (path.parent / key).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(path.parent / key / path.name)
    replace_masks(masks, write)
    ytvos, out = converted('mask_png2ytvis.py', tmp_path, frames, masks, '--category', 'car')
    assert [ann['areas'] for ann in ytvos.anns.values()] == [[100] * 3] * 2
    assert '2 folders are taken as one object each' in out


@pytest.mark.parametrize('case, said', [
    ('jpeg', 'a mask as JPEG has other numbers than were drawn; save masks as PNG'),
    ('mistyped', 'no such folder of masks'), ('empty', 'found no object in 1 videos')])
def test_masks_that_would_vanish_are_refused(frames, masks, tmp_path, case, said):
    if case == 'jpeg':
        replace_masks(masks, lambda path, pixels: Image.fromarray(pixels).save(path, 'jpeg'))
    elif case == 'mistyped':
        masks = tmp_path / 'mask'
    else:
        replace_masks(masks, lambda path, pixels: Image.fromarray(pixels * 0).save(path))
    done = run('mask_png2ytvis.py', frames, masks, '--category', 'car', '--out', tmp_path / 'a')
    assert done.returncode == 1 and said in done.stderr and len(done.stderr.splitlines()) == 1


def test_frames_of_videos_are_coco_images(tmp_path):
    ann = dict(id=7, video_id=3, category_id=5, iscrowd=0, segmentations=[[[20, 5, 30, 5, 30, 15,
               20, 15]], None, [[0, 0, 8, 0, 8, 4, 0, 4]]], bboxes=[[20, 5, 10, 10], None,
               [0, 0, 8, 4]], areas=[100, None, 32])
    (tmp_path / 'vis.json').write_text(json.dumps(dict(
        videos=[dict(id=3, width=40, height=30, length=3, file_names=['a/8.jpg', 'a/9.jpg',
                                                                      'a/10.jpg'])],
        categories=[dict(id=5, name='cat')], annotations=[ann])))
    done = run('ytvis2coco.py', tmp_path / 'vis.json', '--out', tmp_path / 'coco.json')
    assert done.returncode == 0 and '3 images, 2 objects' in done.stdout, done.stderr
    coco = COCO(str(tmp_path / 'coco.json'))
    assert [image['file_name'] for image in coco.loadImgs([1, 2, 3])] == ['a/8.jpg', 'a/9.jpg',
                                                                          'a/10.jpg']
    first, last = coco.loadAnns([1, 2])
    assert (first['bbox'], first['area'], first['track_id']) == ([20, 5, 10, 10], 100, 7)
    assert last['image_id'] == 3 and coco.annToMask(last)[:4, :8].all()
    back, _ = converted('coco_frames2ytvis.py', tmp_path, tmp_path / 'coco.json')
    assert [b is not None for b in back.anns[1]['bboxes']] == [True, False, True]


def test_convert_guesses_and_tells_what_was_lost(frames, masks, tmp_path):
    done = run('convert.py', masks, tmp_path / 'ann.json', '--to', 'ytvis', '--read',
               f'frames={frames}', 'category=car')
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f'{masks} is taken as davis: palette PNG (DAVIS, YouTube-VOS, Cutie, SAM 2)',
        f'written: {tmp_path}/ann.json: 1 videos, 2 objects, 4 masks, classes: car']
    done = run('convert.py', tmp_path / 'ann.json', tmp_path / 'mots', '--to', 'mots_txt')
    assert done.returncode == 0 and done.stdout.splitlines()[2:] == [
        'lost: 3 names of frames, but for what the folder of the frames tells',
        'lost: 2 numbers of objects, which are others now'], done.stderr
    assert len((tmp_path / 'mots' / 'street' / 'gt' / 'gt.txt').read_text().splitlines()) == 4


@pytest.mark.parametrize('args, said', [
    (['--to', 'mots_text'], 'no format "mots_text"; did you mean "mots_txt"?'),
    (['--to', 'ytvis', '--read', 'frame=x'], 'has no key "frame"; did you mean "frames"?'),
    (['--to', 'ytvis', '--rename', 'car'], '--rename car: expected two words with = between'),
    (['--to', 'mots_png', '--rename', 'car=dog'], 'class "dog" has no number in MOTS PNG')])
def test_convert_says_what_is_wrong(masks, tmp_path, args, said):
    done = run('convert.py', masks, tmp_path / 'out', '--from', 'davis', *args[2:],
               *(['--read', 'category=car'] if '--read' not in args else []), *args[:2])
    assert done.returncode == 1 and said in done.stderr and len(done.stderr.splitlines()) == 1
    assert not (tmp_path / 'out').exists()
