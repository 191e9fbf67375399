"""The alerts that wait to be mailed: one file a record, oldest first.

A record is written to `tmp` and renamed into place: the rename is the commit, so a power cut leaves the
whole record or none. It is deleted only when every recipient has been answered for; one with refused
recipients is moved to `refused/` and kept, with what the server said beside it. A file that is no sound
record is moved to `bad/` and counted, so that it can neither be sent nor stop the others.

All of it is bounded. When the outbox is full, waiting records of one alarm are merged (merging.py): the later
one stands for both from then on, and says so. Of what is refused or bad, the newest are kept.
"""

import os
import random

from .. import compat, log
from ..errors import StorageError
from ..explanations import failure
from . import record

_FOLDER = "outbox"
_REFUSED = "refused"
_BAD = "bad"
_UNFINISHED = _FOLDER + "/tmp"
_REPLY = ".why"  # beside a refused record: what the server said, not told to people yet
_TOLD = ".txt"  # the same, told
# A record takes about a tenth of a littlefs block of metadata: 200 fit 100 kB with room to rewrite.
MAX_RECORDS = 200
MERGED_AT_ONCE = 8  # a walk reads every record: not for the sake of one
_MERGING = "mailmote.store.merging"  # which an outbox that is not full has no use for
_MAX_REFUSED = 40
_MAX_BAD = 20
_MAX_REPLY_BYTES = 600


class Outbox:
    """Everything is in the files; the list of their numbers is kept in memory, the folder read once.

    `is_new`: there was none. `bad` counts the records that were damaged, `merged` those that were merged into
    another one since the start. `in_flight`: the numbers of the records in the mail that was begun last.
    `oldest_found` and `newest_found` are the numbers of the oldest and the newest record that was there at
    the start, or 0: a mail with the oldest may have been on its way when the power went.
    """

    def __init__(self):
        self.is_new = _make_folder(_FOLDER)
        _make_folder(_REFUSED)
        _make_folder(_BAD)
        _remove(_UNFINISHED)  # a record that was being written when the power went
        self._numbers = _numbers(_FOLDER)
        bad = _numbers(_BAD)
        self.bad = len(bad)
        self.merged = 0
        self.in_flight = ()
        refused = _numbers(_REFUSED)
        self._next = max([0] + self._numbers + bad + refused) + 1
        for number in _answered():
            if number not in self._numbers and number not in refused:
                _forget_replies(number)  # the power went between the record and this
        if len(self._numbers) > MAX_RECORDS - MERGED_AT_ONCE:
            compat.borrow(_MERGING).finish(self)
        self.oldest_found = self._numbers[0] if self._numbers else 0
        self.newest_found = self._numbers[-1] if self._numbers else 0

    def __len__(self):
        return len(self._numbers)

    def enqueue(self, event, recipients, dated=False):
        """Keep `event` for `recipients`. Once this returns its number, no power cut loses it.

        `dated`: its time is by a clock that is known to be right. Raises StorageError.
        """
        if len(self._numbers) >= MAX_RECORDS:
            self._make_room()
            if len(self._numbers) >= MAX_RECORDS:
                raise failure(StorageError, "outbox-full", MAX_RECORDS)
        number = self._next
        one = record.Record(event, random.getrandbits(32), record.recipients_crc(recipients), dated=dated)
        self._write(number, one)
        self._next = number + 1
        self._numbers.append(number)
        return number

    def _make_room(self):
        """By merging; where there is no memory for that either, the outbox is full for now."""
        try:
            merging = compat.borrow(_MERGING)
        except MemoryError:
            return
        self.merged += merging.make_room(self)

    def waiting(self):
        """The numbers of the waiting records, oldest first."""
        return tuple(self._numbers)

    def newest(self, kind):
        """The number of the newest event of this kind that waits, or None."""
        for number in reversed(self._numbers):
            waiting = self.peek(number)
            if waiting and waiting.event.kind == kind:
                return number
        return None

    def refused(self):
        """The numbers of the records that some recipients did not get, oldest first."""
        return _numbers(_REFUSED)

    def state(self, number):
        """Where a record is: "waiting", "refused", "damaged", "unknown", or "delivered" to everyone."""
        if number in self._numbers:
            return "waiting"
        if number in _numbers(_REFUSED):
            return "refused"
        if number in _numbers(_BAD):
            return "damaged"
        return "delivered" if 0 < number < self._next else "unknown"

    def peek(self, number):
        """The Record, waiting or refused, or None where there is no sound one. Nothing is moved."""
        try:
            with open(_path(_FOLDER if number in self._numbers else _REFUSED, number), "rb") as file:
                return record.decode(file.read(record.MAX_BYTES + 1))
        except (OSError, StorageError):
            return None

    def load(self, number):
        """The Record, or None if its file was no sound record and has been moved aside.

        Raises StorageError where the flash cannot be read: the record stays where it is.
        """
        try:
            with open(_path(_FOLDER, number), "rb") as file:
                data = file.read(record.MAX_BYTES + 1)
        except OSError as error:
            raise failure(StorageError, "flash-unreadable", error)
        try:
            return record.decode(data)
        except StorageError as error:
            log.error("outbox", "Alert %d is damaged: %s. It is moved to %s/.", number, error, _BAD)
        self.bad += 1
        self._leave(number, _BAD)
        _prune(_BAD, _MAX_BAD)
        return None

    def update(self, number, changed):
        """Keep what has changed of a record. Raises StorageError."""
        self._write(number, changed)

    def merge(self, earlier, later, merged):
        """One Record in place of two: it takes the place of `later`. Raises StorageError.

        A power cut in between leaves `earlier`, which the next start takes out (`merging.finish`).
        """
        self._write(later, merged)
        self.drop(earlier)

    def drop(self, number):
        """Take out a record that another one stands for. Raises StorageError.

        Who had refused it is asked again with the other, and what was said then is forgotten.
        """
        self._leave(number, None)
        _forget_replies(number)

    def close(self, number, last):
        """Every recipient of this record has been answered for. Raises StorageError."""
        if not last.refused:
            self._leave(number, None)
            return
        try:
            self._write(number, last)
        except StorageError as error:
            log.error("outbox", "Alert %d was refused, and cannot be kept: %s", number, error)
            self.drop(number)
            return
        self._leave(number, _REFUSED)
        _prune(_REFUSED, _MAX_REFUSED)

    def keep_reply(self, number, text):
        """Keep what was said of a refused recipient beside the record. A flash that fails is logged only.

        Each takes a block of the flash, so only the newest are kept, as of the refused records.
        """
        path = _path(_REFUSED, number) + _REPLY
        try:
            said = "\n".join(self.replies(number) + [text])
            with open(_UNFINISHED, "wb") as file:
                file.write(said.encode()[-_MAX_REPLY_BYTES:])
            os.rename(_UNFINISHED, path)
            for old in _answered()[:-_MAX_REFUSED]:
                _forget_replies(old)
        except OSError as error:
            log.error("outbox", "What was said of alert %d cannot be kept: %s", number, error)

    def replies(self, number):
        """What was said of the refused recipients of a record: a list of lines."""
        for ending in (_REPLY, _TOLD):
            try:
                with open(_path(_REFUSED, number) + ending, "rb") as file:
                    return _text(file.read(_MAX_REPLY_BYTES)).split("\n")
            except OSError:
                pass  # it may have the other ending, or there is none
        return []

    def untold(self):
        """The numbers of the records whose refusal was not told to anybody yet, oldest first."""
        return _numbers(_REFUSED, _REPLY)

    def told(self, numbers):
        """The refusal of these records was told in a mail that got through."""
        for number in numbers:
            path = _path(_REFUSED, number)
            try:
                os.rename(path + _REPLY, path + _TOLD)
            except OSError:
                pass  # told once more, then

    def _leave(self, number, folder):
        """Take a record out: to another folder, or for good. Deleting works on a full flash, too."""
        try:
            if folder:
                os.rename(_path(_FOLDER, number), _path(folder, number))
            else:
                os.remove(_path(_FOLDER, number))
        except OSError as error:
            raise failure(StorageError, "flash-failed", error)
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


def _numbers(folder, ending=""):
    """The numbers of the files of one kind in a folder, sorted; others are left alone."""
    found = []
    for name in os.listdir(folder):
        try:
            if len(name) == 8 + len(ending) and name.endswith(ending):
                found.append(int(name[:8], 16))
        except ValueError:
            pass
    return sorted(found)


def _prune(folder, most):
    """Let the oldest go, so that `most` are left."""
    for number in _numbers(folder)[:-most]:
        _remove(_path(folder, number))
        if folder == _REFUSED:
            _forget_replies(number)


def _answered():
    """The numbers of the records that something was said of, sorted."""
    return sorted(_numbers(_REFUSED, _REPLY) + _numbers(_REFUSED, _TOLD))


def _forget_replies(number):
    for ending in (_REPLY, _TOLD):
        _remove(_path(_REFUSED, number) + ending)


def _remove(path):
    try:
        os.remove(path)
    except OSError:
        pass  # there is none


def _text(data):
    """UTF-8 that may begin in the middle of a character."""
    while data:
        try:
            return str(data, "utf-8")
        except ValueError:
            data = data[1:]
    return ""


def _make_folder(name):
    """False where it is there."""
    try:
        os.mkdir(name)
    except OSError:
        return False
    return True
