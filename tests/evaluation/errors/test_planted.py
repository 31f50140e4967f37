"""Errors that are put in are found as what they are."""
from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import FRAMES, LANES, annotation, at, dataset, lane, rectangle, result

from mmdet.evaluation.errors import Analysis, Options, summarize
from mmdet.evaluation.errors.causes import CAUSES
from mmdet.formats import YTVOS

FIRST = range(5)  # frames that alone are too few
NOWHERE = [rectangle(5 + 3 * t, 76, 12, 8) for t in range(FRAMES)]
ALL = range(FRAMES)

# What the results of an object are: (masks, right class, type, cause), and the object's fate.
PLANS = {
    'good': lambda own: ([(own, True, 'TP', None)], 'TP'),
    'missed': lambda own: ([], 'Miss'),
    'class': lambda own: ([(own, False, 'Cls', None)], 'Cls'),
    'twice': lambda own: ([(own, True, 'TP', None), (own, True, 'Dupe', None)], 'TP'),
    'masks': lambda own: ([(shrunk(own), True, 'Spat', None)], 'Spat'),
    'both': lambda own: ([(shrunk(own), False, 'Both', None)], 'Miss'),
    'background': lambda own: ([(NOWHERE, True, 'Bkg', None)], 'Miss'),
    'late': lambda own: ([(at(own, range(FRAMES - 5, FRAMES)), True, 'Temp', 'starts_late')],
                         'Temp'),
    'early': lambda own: ([(at(own, FIRST), True, 'Temp', 'ends_early')], 'Temp'),
    'gap': lambda own: ([(at(own, (0, 1, FRAMES - 1)), True, 'Temp', 'gap')], 'Temp'),
    'drift': lambda own: ([(own[:5] + NOWHERE[5:], True, 'Temp', 'drift')], 'Temp'),
    'switch': lambda own: ([(at(own, range(4, FRAMES)), True, 'TP', None),
                            (at(own, range(4)), True, 'Temp', 'switch')], 'TP'),
    'switch of class': lambda own: ([(at(own, range(4, FRAMES)), False, 'Cls', None),
                                     (at(own, range(4)), True, 'Temp', 'switch')], None),
    'merge': lambda own: ([(own[:5] + other_lane(own)[5:], True, 'Temp', 'merge')], 'Temp'),
}


def shrunk(own):
    """Masks of a third of the width."""
    return lane(next(n for n in range(LANES) if lane(n) == own), 0.35)


def other_lane(own):
    """The object of the lane that is kept free for what merges."""
    return lane(LANES)


@st.composite
def worlds(draw):
    """Annotations, results, and what every one of them is."""
    annotations, results, expected, fates = [], [], [], {}
    for video_id in range(1, draw(st.integers(1, 3)) + 1):
        plans = draw(st.lists(st.sampled_from(sorted(PLANS)), min_size=1, max_size=LANES))
        for number, name in enumerate(plans):
            category = draw(st.sampled_from((1, 2)))
            obj = len(annotations) + 1
            annotations.append(annotation(obj, video_id, category, lane(number)))
            found, fates[obj] = PLANS[name](lane(number))
            for masks, right, kind, cause in found:
                results.append(result(video_id, category if right else 3 - category, 0, masks))
                expected.append((kind, cause))
        if 'merge' in plans:
            obj = len(annotations) + 1
            annotations.append(annotation(obj, video_id, 3, other_lane(None)))
            fates[obj] = 'Miss'
    # Twins are told apart by their order: of equal overlaps the better score is right.
    scores = iter(np.linspace(0.9, 0.1, len(results)).round(4).tolist())
    order = draw(st.permutations(range(len(results))))
    for entry in results:
        entry['score'] = next(scores)
    return (dataset(annotations, categories=3), [results[i] for i in order],
            [expected[i] for i in order], fates)


@settings(max_examples=15, deadline=None)
@given(worlds(), st.sampled_from(('official', 'tive')))
def test_planted_errors_are_found(world, convention):
    gt, results, expected, fates = world
    report = summarize(Analysis(results, YTVOS(gt), Options(convention, samples=0)))
    causes = report['temporal']['cause_per_result']
    assert list(zip(report['type_per_result'], causes)) == expected
    for obj, fate in fates.items():
        assert fate is None or report['fates'][str(obj)] == fate
    split = {name: cause['results'] for name, cause in report['temporal']['causes'].items()}
    assert split == {**dict.fromkeys(CAUSES, 0), **Counter(c for _, c in expected if c)}
    assert sum(split.values()) == report['counts']['Temp']
