"""A user's mistakes are exceptions of one base class; all others are faults of the program."""

MAX_SENTENCE = 1000  # characters; a name in a file may have a million


class UserError(Exception):
    """Something the user can put right: the message is one sentence that says what and how.

    The subclasses are also the built-in types that callers catch.
    """

    def __str__(self) -> str:
        # KeyError would put quotes around it.
        return printable(str(self.args[0])) if self.args else ''


class BadValue(UserError, ValueError):
    """A file or an option has a content that does not fit."""


class BadType(UserError, TypeError):
    """An argument of the wrong kind, or one that nobody takes."""


class BadKey(UserError, KeyError):
    """A name that is not known."""


class MissingFile(UserError, FileNotFoundError):
    """A file or folder that should be there is not."""


class FileInTheWay(UserError, FileExistsError):
    """A file or folder is there already and would be lost."""


class CannotWrite(UserError, OSError):
    """The disk is full, or the place may not be written to."""


class NoConnection(UserError, ConnectionError):
    """A server does not answer."""


class BadEnvironment(UserError, RuntimeError):
    """The program was started in a way that cannot work."""


class MissingPackage(UserError, ImportError):
    """A package that is not required was asked for and is not installed."""


def told_to_user(error: BaseException) -> str | None:
    """The sentence of a user's mistake; None for a fault of the program."""
    if isinstance(error, UserError):
        return sentence(error)
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return printable(f'{error.filename}: {error.strerror}')
    return None


def sentence(error: BaseException) -> str:
    """The message alone: without ``KeyError``'s quotes and what torch says of a data worker."""
    text = str(error.args[0] if error.args else error)
    if text.startswith('Caught ') and '\n' in text:
        text = text.rstrip().rpartition('\n')[2].partition(': ')[2]
    return printable(text)


def printable(text: str, limit: int = MAX_SENTENCE) -> str:
    """``text`` for a terminal: what cannot be printed is escaped, and its middle left out.

    Names in files may hold line breaks, commands to the terminal, and what is no valid text.
    """
    if len(text) > limit:
        half = limit // 2
        text = f'{text[:half]} [...] {text[-half:]}'
    return ''.join(c if c.isprintable() else c.encode('unicode_escape').decode() for c in text)
