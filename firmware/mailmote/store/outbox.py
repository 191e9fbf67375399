"""The alerts that wait to be mailed: one file a record, oldest first.

A record is written to `tmp` and renamed into place: the rename is the commit, so a power cut leaves the
whole record or none. It is deleted only when every recipient has been answered for; one with refused
recipients is moved to `refused/` and kept. A file that is no sound record is moved to `bad/` and counted,
so that it can neither be sent nor stop the others.
"""

import os
import random

from .. import log
from ..errors import StorageError
from ..explanations import failure
from . import record

_FOLDER = "outbox"
_REFUSED = "refused"
_BAD = "bad"
_UNFINISHED = _FOLDER + "/tmp"
# A record takes about a tenth of a littlefs block of metadata: 200 fit 100 kB with room to rewrite.
_MAX_RECORDS = 200


class Outbox:
    """Everything is in the files; the list of their numbers is kept in memory, the folder read once."""

    def __init__(self):
        for folder in (_FOLDER, _REFUSED, _BAD):
            _make_folder(folder)
        self.bad = len(os.listdir(_BAD))
        self._numbers = []
        for name in os.listdir(_FOLDER):
            number = _number(name)
            if number is None:
                os.remove(_FOLDER + "/" + name)  # a record that was being written when the power went
            else:
                self._numbers.append(number)
        self._numbers.sort()
        self._next = self._numbers[-1] + 1 if self._numbers else 1

    def __len__(self):
        return len(self._numbers)

    def enqueue(self, event, recipients):
        """Keep `event` for `recipients`. Once this returns, no power cut loses it. Raises StorageError."""
        if len(self._numbers) >= _MAX_RECORDS:
            raise failure(StorageError, "outbox-full", _MAX_RECORDS)
        number = self._next
        self._write(number, record.Record(event, random.getrandbits(32), record.recipients_crc(recipients)))
        self._next = number + 1
        self._numbers.append(number)

    def waiting(self):
        """The numbers of the waiting records, oldest first."""
        return tuple(self._numbers)

    def load(self, number):
        """The Record, or None if its file was no sound record and has been moved aside."""
        try:
            with open(_path(_FOLDER, number), "rb") as file:
                return record.decode(file.read(record.MAX_BYTES + 1))
        except (OSError, StorageError) as error:
            log.error("outbox", "Alert %d cannot be read: %s. It is moved to %s/.", number, error, _BAD)
        self.bad += 1
        self._numbers.remove(number)
        try:
            os.rename(_path(_FOLDER, number), _path(_BAD, number))
        except OSError as error:
            log.error("outbox", "Alert %d cannot be moved: %s.", number, error)
        return None

    def update(self, number, changed):
        """Keep which recipients are still pending. Raises StorageError."""
        self._write(number, changed)

    def close(self, number, last):
        """Every recipient of this record has been answered for."""
        if last.refused:
            self._write(number, last)
            os.rename(_path(_FOLDER, number), _path(_REFUSED, number))
        else:
            os.remove(_path(_FOLDER, number))
        self._numbers.remove(number)

    def _write(self, number, changed):
        try:
            with open(_UNFINISHED, "wb") as file:
                file.write(record.encode(changed))
            os.rename(_UNFINISHED, _path(_FOLDER, number))
        except OSError as error:
            raise failure(StorageError, "flash-failed", error)


def _path(folder, number):
    return "%s/%08x" % (folder, number)


def _number(name):
    try:
        return int(name, 16) if len(name) == 8 else None
    except ValueError:
        return None


def _make_folder(name):
    try:
        os.mkdir(name)
    except OSError:
        pass  # it is there
