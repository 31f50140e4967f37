"""Files of label tools that are damaged or meant to do harm: one sentence, and nothing written."""
import base64
import io
import json
import pathlib
import sys

import pytest
from PIL import Image

from mmdet.formats.exchange import Given, Mark, Track, Video, build_format, convert
from mmdet.formats.exchange.labelling import shapes
from mmdet.utils.errors import UserError

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from made_up import InMemory, disc, rle_of  # noqa: E402


def refused(path, name, said, **options):
    out = path.parent / 'out.json'
    with pytest.raises(UserError) as told:
        convert(Given(path), build_format(name, **options), build_format('ytvis'), str(out))
    assert said in str(told.value) and len(str(told.value).splitlines()) == 1
    assert not out.exists()


def cvat(shape, size='4', frame_size='<width>10</width><height>8</height>', head=''):
    return (f'<?xml version="1.0"?>{head}<annotations><meta><task><id>1</id><size>{size}</size>'
            f'<original_size>{frame_size}</original_size></task></meta>'
            f'<track id="0" label="car">{shape}</track></annotations>')


BOX = '<box frame="{}" keyframe="1" outside="0" xtl="{}" ytl="0" xbr="4" ybr="4"/>'
MASK = '<mask frame="0" rle="{}" left="{}" top="0" width="4" height="4"/>'
ENTITIES = ('<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
            '<!ENTITY c SYSTEM "file:///etc/passwd">]>')
HOSTILE_XML = {
    'entities': (cvat('&c;&b;', head=ENTITIES), 'has a document type'),
    'deep': ('<annotations>' * 10**5, 'nested more than 16 deep'),
    'cut off': (cvat(BOX.format(0, 1))[:-20], 'not valid XML'),
    'other': ('<html></html>', 'expected <annotations> of CVAT, got <html>'),
    'no task': ('<annotations><meta></meta></annotations>', 'names no task or job'),
    'long': (cvat(BOX.format(0, 1), size='99999999'), 'has 99999999 frames; at most 1000000'),
    'size': (cvat(BOX.format(0, 1), size='-4'), 'expected a number as <size>'),
    'no size': (cvat(BOX.format(0, 1), frame_size=''), 'no <original_size>'),
    'pixels': (cvat('', frame_size='<width>99999</width><height>99999</height>'), '268435456'),
    'frame': (cvat(BOX.format(4, 1)), 'frame 4 is none of the task'),
    'no frame': (cvat(BOX.format('x', 1)), 'expected the number of a frame'),
    'nan': (cvat(BOX.format(0, 'nan')), "expected a number, got 'nan'"),
    'points': (cvat('<polygon frame="0" points="1,2;3"/>'), 'three points'),
    'far': (cvat('<polygon frame="0" points="0,0;1e12,0;0,1e12"/>'), 'is no number near a frame'),
    'outside': (cvat(MASK.format('0, 16', 7)), 'is not within the frame'),
    'runs': (cvat(MASK.format('0, 999999999', 0)), 'must sum to 16'),
    'negative': (cvat(MASK.format('-4, 20', 0)), 'must sum to 16'),
    'words': (cvat(MASK.format('a', 0)), 'expected a mask of whole numbers'),
    'huge': (cvat(MASK.format('9' * 30, 0)), 'expected a mask of whole numbers'),
    'images': (cvat('').replace('track', 'image'), 'is "CVAT for images"'),
    'task': (cvat('').replace('<track', '<track task_id="5"'), "task '5', which <meta> does not"),
    'twice': (cvat(BOX.format(0, 1) * 2), 'is there twice'),
}


@pytest.mark.parametrize('case', HOSTILE_XML)
def test_xml_that_is_refused(case, tmp_path):
    text, said = HOSTILE_XML[case]
    (tmp_path / 'a.xml').write_text(text)
    refused(tmp_path / 'a.xml', 'cvat', said)


def test_keyframes_that_would_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr('mmdet.formats.exchange.labelling.cvat.FILLED_IN', 10**4)
    monkeypatch.setattr('mmdet.formats.exchange.labelling.label_studio.FILLED_IN', 10**4)
    (tmp_path / 'a.xml').write_text(cvat(BOX.format(0, 1), size='20000'))
    refused(tmp_path / 'a.xml', 'cvat', 'more than 10000 shapes between keyframes')
    key = dict(frame=1, enabled=True, x=0, y=0, width=9, height=9)
    value = dict(sequence=[key], framesCount=20000, labels=['car'])
    studio(tmp_path, 'more than 10000 boxes between keyframes', value, type='videorectangle',
           data=dict(video='a.mp4', width=10, height=8))
    assert shapes.FILLED_IN == 5 * 10**6


def studio(tmp_path, said, value, data=None, **entry):
    result = dict(id='a', type='brushlabels', value=value, original_width=10,
                  original_height=8) | entry
    task = dict(id=1, data=data or dict(image='../../etc/1.jpg'), annotations=[
        dict(result=[result])])
    (tmp_path / 't.json').write_text(json.dumps([task]))
    refused(tmp_path / 't.json', 'label_studio', said)


LS = dict(brushlabels=['car'])
VIDEO = dict(data=dict(video='a.mp4'))
HOSTILE_STUDIO = {
    'rle': (LS | dict(rle=[0, 0, 1, 64, 57, 27]), {}, 'it is cut off'),
    'count': (LS | dict(rle=[255] * 40), {}, 'it has 4294967295 values'),
    'bytes': (LS | dict(rle=[300]), {}, 'as a list of bytes'),
    'text': (LS | dict(rle='x'), {}, "got 'x'"),
    'pixels': (LS | dict(rle=[0]), dict(original_width=10**6, original_height=10**6), '268435456'),
    'size': (LS | dict(rle=[0]), dict(original_width='10'), 'expected one original_width'),
    'turned': (LS | dict(rle=[0]), dict(image_rotation=90), 'was turned in Label Studio'),
    'points': (LS | dict(points=[[1, 2], 3]), {}, 'expected a list of points'),
    'far': (LS | dict(points=[[0, 0], [1e12, 0], [0, 1e12]]), {}, 'is no number near a frame'),
    'box': (LS | dict(x=1, y=1, width='a', height=3), {}, "expected a number, got 'a'"),
    'frames': (dict(sequence=[], framesCount=10**9), VIDEO, 'one number of frames, "framesCount"'),
    'frame': (dict(sequence=[dict(frame=9)], framesCount=4), VIDEO, 'frames from 1 to 4'),
    'no image': (LS | dict(rle=[0]), dict(data=dict(text='a')), 'name no image and no video'),
}


@pytest.mark.parametrize('case', HOSTILE_STUDIO)
def test_tasks_that_are_refused(case, tmp_path):
    value, entry, said = HOSTILE_STUDIO[case]
    studio(tmp_path, said, value, **entry)


@pytest.mark.parametrize('content, said', [
    ({}, 'expected a json list of tasks'), ([3], 'has no "data"'),
    ([dict(data=dict(image='a.jpg'), annotations=[dict(result=[3])])], 'a list "result"')])
def test_json_that_is_no_task(content, said, tmp_path):
    (tmp_path / 't.json').write_text(json.dumps(content))
    refused(tmp_path / 't.json', 'label_studio', said)


def picture(width, height, mode='L'):
    file = io.BytesIO()
    Image.new(mode, (width, height)).save(file, 'PNG')
    return base64.b64encode(file.getvalue()).decode()


def shape(**changes):
    return dict(label='car', points=[[1, 1], [4, 4]], shape_type='mask', group_id=1) | changes


HOSTILE_LABELME = {
    'bomb': (shape(mask=picture(9000, 9000)), {}, 'a mask of 9000 x 9000 pixels does not fit'),
    'beyond': (shape(points=[[8, 1], [11, 4]], mask=picture(4, 4)), {}, 'does not fit'),
    'colour': (shape(mask=picture(4, 4, 'RGB')), {}, 'this one is in colour'),
    'no picture': (shape(mask='AAAA'), {}, 'expected a picture in base64 as "mask"'),
    'no base64': (shape(mask='\u00e9'), {}, 'expected a picture in base64'),
    'points': (shape(points='all'), {}, 'are not pairs of numbers'),
    'words': (shape(points=[[1, 'a'], [2, 3]]), {}, "expected a number, got 'a'"),
    'kind': (shape(shape_type='cube'), {}, "a 'cube' of 2 points has no area"),
    'score': (shape(mask=picture(4, 4), score='high'), {}, "expected a number, got 'high'"),
    'image': (shape(), dict(imageData=picture(11, 8)), 'a picture of 11 x 8 pixels, the frame'),
    'size': (shape(), dict(imageWidth=10**9), '268435456'),
}


@pytest.mark.parametrize('case', HOSTILE_LABELME)
def test_labelme_files_that_are_refused(case, tmp_path):
    drawn, more, said = HOSTILE_LABELME[case]
    content = dict(shapes=[drawn], imagePath='../../x.jpg', imageWidth=10, imageHeight=8) | more
    (tmp_path / 'in').mkdir()
    (tmp_path / 'in' / '1.json').write_text(json.dumps(content))
    refused(tmp_path / 'in', 'labelme', said)


@pytest.mark.parametrize('name', ['../secret.jpg', '/etc/passwd', 'v/../../secret.jpg', 'v\0.jpg'])
def test_frames_are_linked_from_their_folder_only(name, tmp_path):
    (tmp_path / 'secret.jpg').write_text('mine')
    (tmp_path / 'frames' / 'v').mkdir(parents=True)
    video = Video('v', [name], 10, 8, [Track(1, 'car', {0: Mark(rle_of(disc((8, 10), 4, 4, 2)))})])
    with pytest.raises(UserError, match='leads out of the folder of frames'):
        convert(Given(tmp_path), InMemory([video]),
                build_format('labelme', frames=str(tmp_path / 'frames')), str(tmp_path / 'out'))
    assert not (tmp_path / 'out').exists()


def test_classes_that_xml_cannot_hold(tmp_path):
    video = Video('v\0', ['1.jpg'], 10, 8, [
        Track(1, 'c\x01', {0: Mark(rle_of(disc((8, 10), 4, 4, 2)))})])
    with pytest.raises(UserError, match='characters that XML cannot hold'):
        convert(Given(tmp_path), InMemory([video]), build_format('cvat'), str(tmp_path / 'a.xml'))
    assert not (tmp_path / 'a.xml').exists()
