"""Where mailmote keeps what it makes for itself: the private interpreter and compiled firmware."""

import os
import sys
from pathlib import Path


def private_folder():
    """A folder of this user's own, not made yet: in the virtual environment, else in the user's cache."""
    if sys.prefix != sys.base_prefix and os.access(sys.prefix, os.W_OK):
        return Path(sys.prefix, "mailmote")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "mailmote")
