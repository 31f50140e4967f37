"""From items to a batch."""
from collections.abc import Sequence
from typing import Any


def collate(items: Sequence[dict[str, Any]]) -> dict[str, list]:
    """Turn a list of dicts into a dict of lists, one entry an item.

    Nothing is stacked: frames may differ in size and are padded on the device.

    Args:
        items: dicts with equal keys.

    Raises:
        KeyError: an item lacks a key of the first.
    """
    return {key: [item[key] for item in items] for key in items[0]}
