"""What the json formats share: categories and keys nobody knows."""
from collections import Counter
from collections.abc import Iterable, Sequence

from mmdet.formats.exchange.numbering import NEW_CLASSES, kept_or_new
from mmdet.formats.exchange.tracks import Category
from mmdet.utils.errors import BadValue

# Written by every tool, and empty or of no use once the frames are here.
BOILERPLATE = frozenset({'license', 'flickr_url', 'coco_url', 'date_captured', 'length'})


def read_categories(entries: list[dict], name: str) -> list[Category]:
    """The classes a file lists, in the order of their ids.

    Raises:
        ValueError: two have one name.
    """
    categories = [Category(str(entry.get('name') or entry['id']), entry['id'],
                           entry.get('supercategory'))
                  for entry in sorted(entries, key=lambda e: (isinstance(e['id'], str), e['id']))]
    for text, count in Counter(category.name for category in categories).items():
        if count > 1:
            raise BadValue(f'{name}: {count} categories are named "{text}"; give each a name of '
                           'its own')
    return categories


def category_entries(listed: Sequence[Category], seen: Iterable[str], lost: Counter[str],
                     keep: bool = True) -> list[dict]:
    """Classes as json files list them.

    Args:
        listed: in order.
        seen: names of those with objects; the ones that are not listed follow, sorted.
        lost: ids that are others now are counted here.
        keep: keep the ids if all listed have one; else they count from 1.
    """
    ids, new = kept_or_new([category.id for category in listed], lowest=0, keep=keep)
    lost[NEW_CLASSES] += new
    others = enumerate(unlisted(listed, seen), max(ids, default=0) + 1)
    return [*(dict(id=number, name=category.name,
                   **({} if category.supercategory is None
                      else dict(supercategory=category.supercategory)))
              for number, category in zip(ids, listed)),
            *(dict(id=number, name=name) for number, name in others)]


def unlisted(listed: Sequence[Category], seen: Iterable[str]) -> list[str]:
    """Names of classes with objects that are not listed, sorted."""
    return sorted(set(seen) - {category.name for category in listed})


def unknown_keys(entries: Iterable[dict], known: Iterable[str], what: str) -> Counter[str]:
    """How often keys stand in entries that nobody here reads, by a text about them."""
    known = BOILERPLATE.union(known)
    found: Counter[str] = Counter()
    for entry in entries:
        for key in entry.keys() - known:
            if entry[key] not in (None, '', [], {}):
                found[f'"{key:.40}" of {what}'] += 1
    return found
