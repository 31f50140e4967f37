"""Errors meant for the user, told apart from faults of the program."""
import os
import traceback

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOOLS = os.path.join(os.path.dirname(PACKAGE), 'tools')


def meant_for_user(error: BaseException) -> bool:
    """Whether one of our own ``raise`` statements made this error.

    Its message is then a sentence that says what to do, and a traceback would
    only hide it.
    """
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or isinstance(error, AssertionError):
        return False
    last = frames[-1]
    ours = os.path.abspath(last.filename).startswith((PACKAGE, TOOLS))
    return ours and (last.line or '').lstrip().startswith('raise')


def sentence(error: BaseException) -> str:
    """The message; ``str(KeyError)`` would put quotes around it."""
    return str(error.args[0] if error.args else error)
