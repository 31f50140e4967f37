"""The learning rate of every iteration of a run, against a loop of 2019's rules."""
import math

import pytest

from mmdet.engine.schedule import Schedule

EPOCHS, LENGTH, BASE = 12, 40, 0.005


def oracle(cfg):
    """Rates of a run, written as 2019's hook did: epoch start, then iteration."""
    max_progress = EPOCHS if cfg.get('by_epoch', True) else EPOCHS * LENGTH
    iteration, current, out = 0, None, []
    for epoch in range(EPOCHS):
        if cfg.get('by_epoch', True):
            current = plain(cfg, epoch, max_progress)
        regular = current
        for _ in range(LENGTH):
            if not cfg.get('by_epoch', True):
                regular = current = plain(cfg, iteration, max_progress)
            warm = cfg.get('warmup')
            if warm and iteration < cfg['warmup_iters']:
                current = warmed(cfg, regular, iteration)
            elif warm and iteration == cfg['warmup_iters']:
                current = regular
            out.append(current)
            iteration += 1
    return out


def plain(cfg, at, end):
    name = cfg['policy']
    if name == 'step':
        if isinstance(cfg['step'], int):
            return BASE * cfg.get('gamma', .1)**(at // cfg['step'])
        power = len(cfg['step'])
        for i, s in enumerate(cfg['step']):
            if at < s:
                power = i
                break
        return BASE * cfg.get('gamma', .1)**power
    if name == 'exp':
        return BASE * cfg['gamma']**at
    if name == 'poly':
        coefficient = (1 - at / end)**cfg.get('power', 1.)
        return (BASE - cfg['min_lr']) * coefficient + cfg['min_lr']
    if name == 'inv':
        return BASE * (1 + cfg['gamma'] * at)**(-cfg['power'])
    if name == 'cosine':
        low = cfg.get('target_lr', 0)
        return low + .5 * (BASE - low) * (1 + math.cos(math.pi * (at / end)))
    return BASE


def warmed(cfg, regular, iteration):
    ratio, total = cfg['warmup_ratio'], cfg['warmup_iters']
    if cfg['warmup'] == 'constant':
        return regular * ratio
    if cfg['warmup'] == 'linear':
        return regular * (1 - (1 - iteration / total) * (1 - ratio))
    return regular * ratio**(1 - iteration / total)


@pytest.mark.parametrize('by_epoch', [True, False])
@pytest.mark.parametrize('warmup', [None, 'constant', 'linear', 'exp'])
@pytest.mark.parametrize('policy', [
    dict(policy='step', step=[8, 11]), dict(policy='step', step=5, gamma=.5),
    dict(policy='cosine'), dict(policy='cosine', target_lr=1e-4),
    dict(policy='poly', power=.9, min_lr=1e-5), dict(policy='exp', gamma=.9),
    dict(policy='inv', gamma=.1, power=.75), dict(policy='fixed')])
def test_every_iteration_of_a_run(policy, warmup, by_epoch):
    cfg = dict(policy, by_epoch=by_epoch)
    if warmup:
        cfg.update(warmup=warmup, warmup_iters=50, warmup_ratio=1 / 3)
    rate = Schedule(cfg, EPOCHS, EPOCHS * LENGTH)
    got = [rate(BASE, i // LENGTH, i) for i in range(EPOCHS * LENGTH)]
    assert got == pytest.approx(oracle(cfg), rel=1e-12)


def test_the_published_recipe_at_its_corners():
    rate = Schedule(dict(policy='step', warmup='linear', warmup_iters=500,
                         warmup_ratio=1.0 / 3, step=[8, 11]), 12, 12 * 2000)
    at = [rate(BASE, i // 2000, i) for i in (0, 250, 500, 15999, 16000, 22000)]
    assert at == pytest.approx([.005 / 3, .005 * 2 / 3, .005, .005, .0005, .00005])


@pytest.mark.parametrize('cfg, error, word', [
    (dict(policy='stp'), KeyError, 'did you mean "step"'),
    (dict(policy='step', step=[1], warmup='linaer'), KeyError, '"linear"'),
    (dict(policy='step', step=[1], gama=.1), TypeError, 'did you mean "gamma"'),
    (dict(policy='step'), TypeError, 'step')])
def test_misspelt_parts_are_named(cfg, error, word):
    with pytest.raises(error, match=word):
        Schedule(cfg, 1, 1)
