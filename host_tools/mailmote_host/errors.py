"""What a command tells instead of a traceback: one line with what happened, why, and the fix."""

from pathlib import Path


class HostError(Exception):
    """The work failed."""

    exit_code = 1


class UsageError(HostError):
    """The command cannot be carried out as it was given."""

    exit_code = 2


def in_words(error: Exception) -> str:
    """What to tell of an error of any class. The text of a fault of this program may quote anything, so its
    place is told.
    """
    if isinstance(error, HostError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error}. Check the path, its permissions and the disk."
    file, line = origin(error)
    where = f"{type(error).__name__} in {Path(file).name} line {line}"
    return f"this is a fault of mailmote itself ({where}). Please report it, with the command that you gave."


def origin(error: BaseException) -> tuple[str, int]:
    """The file and the line in which an error was raised that has been caught."""
    place = error.__traceback__
    assert place is not None
    while place.tb_next is not None:
        place = place.tb_next
    return place.tb_frame.f_code.co_filename, place.tb_lineno
