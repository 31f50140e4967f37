"""The classic ``normalize`` key in the words of mmcv."""


def norm_cfg(normalize: dict | None) -> dict | None:
    """Translate ``dict(type='BN', frozen=True)`` to mmcv's ``requires_grad=False``.

    Args:
        normalize: ``type`` is ``'BN'``, ``'SyncBN'`` or ``'GN'`` (with
            ``num_groups``); ``frozen`` stops the gradient of scale and shift. None:
            no normalisation.
    """
    if normalize is None:
        return None
    cfg = dict(normalize)
    cfg['requires_grad'] = not cfg.pop('frozen', False)
    return cfg
