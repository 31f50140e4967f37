"""COCO scores: by hand, without results, of other images."""
import pytest

from mmdet.evaluation import coco_eval

TRUTH = dict(
    images=[dict(id=i, width=100, height=100) for i in (4, 9)],
    categories=[dict(id=1, name='a')],
    annotations=[dict(id=1, image_id=4, category_id=1, bbox=[10, 10, 20, 20], area=400, iscrowd=0),
                 dict(id=2, image_id=9, category_id=1, bbox=[50, 50, 20, 20], area=400, iscrowd=0)])


@pytest.fixture
def truth(tmp_path):
    import json
    path = tmp_path / 'truth.json'
    path.write_text(json.dumps(TRUTH))
    return str(path)


def found(image_id, box, score):
    return dict(image_id=image_id, category_id=1, bbox=box, score=score)


def test_one_of_two_found(truth):
    results = [found(4, [10, 10, 20, 20], 0.9)]
    scores = coco_eval(results, 'bbox', truth)['bbox']
    assert scores['AP'] == pytest.approx(51 / 101) and scores['AR100'] == 0.5
    assert scores['APl'] == -1 and results == [found(4, [10, 10, 20, 20], 0.9)]


def test_no_results_is_zero(truth):
    assert coco_eval([], ['bbox'], truth)['bbox']['AP'] == 0


def test_bad_input_is_named(truth):
    with pytest.raises(ValueError, match='image 5 is not in the annotation file'):
        coco_eval([found(5, [0, 0, 1, 1], 0.5)], 'bbox', truth)
    with pytest.raises(ValueError, match='got "mask"'):
        coco_eval([], 'mask', truth)
