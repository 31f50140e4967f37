"""Names of files made from text that somebody else wrote."""
import re
import unicodedata

MAX_BYTES = 120  # of 255, or 143 on encrypted systems: endings and counters are added


def file_name(text: object, default: str = 'unnamed') -> str:
    """A name of one file or folder from any text: of a video, an id, a class.

    Letters and digits of any script, ``.``, ``_`` and ``-`` stay, everything else becomes
    ``_``: separators, control characters, what is not valid text. The name neither is hidden
    nor looks like an option, and has at most ``MAX_BYTES`` bytes.

    Args:
        text: taken as ``str`` makes it.
        default: the name where nothing is left of it.
    """
    composed = unicodedata.normalize('NFC', str(text)[:4 * MAX_BYTES])
    clean = ''.join(c if c in '._-' or unicodedata.category(c)[0] in 'LMN' else '_'
                    for c in composed)
    clean = re.sub('__+', '_', clean).strip('._-').encode()[:MAX_BYTES].decode(errors='ignore')
    return clean.rstrip('._-') or default


class UniqueNames:
    """:func:`file_name` that never gives a name twice, not even in other capitals."""

    def __init__(self) -> None:
        self._count: dict[str, int] = {}  # of those that began with a name, by that name

    def __call__(self, text: object, default: str = 'unnamed') -> str:
        """The name of ``text``; with ``_2``, ``_3``, ... at its end where it is taken."""
        name = first = file_name(text, default)
        while _folded(name) in self._count:
            self._count[_folded(first)] += 1
            name = f'{first}_{self._count[_folded(first)]}'
        self._count[_folded(name)] = 1
        return name


def _folded(name: str) -> str:
    """What file systems without capitals see."""
    return unicodedata.normalize('NFKC', name).casefold()
