"""Errors that no server says and mailmote has no words for: what MicroPython and the chip print bare.

A part is a module with FAULTS and `find(text)`. Where two see the same place, the earlier part comes first.
"""

from collections.abc import Iterator

from . import boot, chip, system, tls, wifi
from .form import Fault, Found

__all__ = ["FAULTS", "Fault", "Found", "find"]

_PARTS = (boot, tls, wifi, system, chip)

FAULTS: dict[str, Fault] = {fault.key: fault for part in _PARTS for fault in part.FAULTS}


def find(text: str) -> Iterator[Fault]:
    """Each fault in a text, in its order, once."""
    found = [one for part in _PARTS for one in part.find(text)]
    seen: set[str] = set()
    for one in sorted(found, key=lambda one: one.start):
        if one.fault.key not in seen:
            seen.add(one.fault.key)
            yield one.fault
