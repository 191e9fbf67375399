"""What to mail next: one alert, or several in a digest.

A round tries everything once, what was tried least first, so that an old alert with a bad recipient does not
stand in the way of a new one. Alerts for the same recipients go together when more than three of them wait,
or the oldest has waited for long.

A mail that may have arrived has to be sent again as it was: one with the same Message-ID and more in it might
be taken for the one before and thrown away, one with another Message-ID is told twice. What is in a mail is
therefore fixed before it leaves, also over a loss of power: a digest by a mark on its last record, one alert
alone by a mark on its own. The oldest alert needs none, which is what most are when they leave: after a start
the oldest always goes alone.
"""

from . import log
from .errors import StorageError
from .event import TEST
from .net import clock
from .recipients import recipients_of
from .store import record as records
from .store.record import ALONE, ENDS_DIGEST, NOT_BEGUN

_MOST_APART = 3
MOST_TOGETHER = 40  # lines in a mail that somebody reads on a phone


class Mail:
    """`numbers` of the records that it tells, oldest first; `last`, the Record of the last; `recipients`."""

    def __init__(self, numbers, last, recipients):
        self.numbers = numbers
        self.last = last
        self.recipients = recipients

    @property
    def title(self):
        """What people know it by."""
        title = self.last.event.title
        return "%d alerts, the last: %s" % (len(self.numbers), title) if len(self.numbers) > 1 else title

    def pending(self):
        """The indices of the recipients that have not been answered for."""
        return [index for index in range(len(self.recipients)) if self.last.pending & 1 << index]


class Mailbag:
    """`uptime_s()` gives the seconds since the start.

    `failure` is the StorageError of an alert that could not be read in this round, or None.
    """

    def __init__(self, settings, outbox, uptime_s):
        self._settings = settings
        self._outbox = outbox
        self._round = 0
        self._tried = {}  # number of a record: the round in which it was tried last
        self._alone = set()  # numbers of what has been sent alone and may have arrived
        self._answered = {}  # records with results that the flash has not taken yet
        self._marked = None  # the number of the record that got its mark for the mail that is on its way
        self._uptime_s = uptime_s
        self._first = {}  # number of the first of its kind: the uptime at which it was seen to be
        self._suspect = outbox.oldest_found  # perhaps sent alone before the start, perhaps in a digest
        self.failure = None

    def begin_round(self):
        """From now on everything may be tried once more."""
        self._round += 1
        self.failure = None
        if len(self._tried) > len(self._outbox):  # some were merged away
            waiting = self._outbox.waiting()
            self._tried = {number: self._tried[number] for number in self._tried if number in waiting}
            self._first = {number: self._first[number] for number in self._first if number in waiting}

    def next(self):
        """The Mail to send next; None where all were tried in this round."""
        best = None
        groups = {}
        for number in self._outbox.waiting():
            record = self._load(number) if self._tried.get(number) != self._round else None
            if record is None:
                continue
            key = (record.recipients_crc, record.pending)
            group = groups.setdefault(key, [])
            if record.begun == ENDS_DIGEST:
                best = self._sooner(best, group + [number])
                groups[key] = []
            elif record.event.kind >= TEST or record.begun == ALONE or number in self._alone:
                best = self._sooner(best, [number])
            else:
                group.append(number)
        for key in groups:
            best = self._sooner(best, self._portion(groups[key]))
        if best is None:
            return None
        last = self._load(best[-1])
        return Mail(tuple(best), last, recipients_of(self._settings, last.event.alarm))

    def records(self, numbers):
        """The records of these numbers. A damaged one is moved aside, and is not told.

        Raises StorageError where the flash cannot be read: what a mail does not tell is not delivered by it.
        """
        for number in numbers:
            record = self._answered.get(number) or self._outbox.load(number)
            if record:
                yield record

    def begin(self, mail):
        """This mail is about to leave: fix what is in it."""
        self._marked = None
        self._outbox.in_flight = mail.numbers
        for number in mail.numbers:
            self._tried[number] = self._round
        number, last = mail.numbers[-1], mail.last
        if len(mail.numbers) > 1:
            self._set_apart(mail)
            marked = self._mark(number, last, ENDS_DIGEST)
        else:
            marked = number != self._outbox.waiting()[0] and self._mark(number, last, ALONE)
        self._marked = number if marked else None

    def lost(self, mail):
        """The connection was lost while this mail was on its way: it may have arrived."""
        if len(mail.numbers) == 1:
            self._alone.add(mail.numbers[0])

    def take_apart(self, mail):
        """What is in this mail goes alone from now on."""
        self._alone.update(mail.numbers)

    def settle(self, mail, answered, refused):
        """Take down whom this mail needs no other try for, as masks.

        Raises StorageError, and what the flash has not taken is known in memory.
        The last record comes last: until then a restart finds the same mail. Each recipient has answered, so
        who is still pending has not got it: a mark that was made for this try is taken back.
        """
        failed = None
        for number in mail.numbers:
            record = self._load(number)
            if record is None:
                continue
            record.pending &= ~answered
            record.refused |= refused
            unmarked = number == self._marked and record.pending
            if unmarked:
                record.begun = NOT_BEGUN
            self._answered[number] = record
            try:
                if not record.pending:
                    self._outbox.close(number, record)
                    self._forget(number)
                elif answered or unmarked:
                    self._outbox.update(number, record)
                self._answered.pop(number, None)
            except StorageError as error:
                failed = error
        self._marked = None
        if failed:
            raise failed

    def expired(self):
        """A Mail of the oldest alert, if it has waited for longer than the settings allow, or None.

        One whose time is not known never has, and none has while the time is not known now.
        """
        limit_s = self._settings["retry"]["expire_after_s"]
        if not limit_s or not len(self._outbox) or not clock.is_sure():
            return None
        number = self._outbox.waiting()[0]
        record = self._load(number)
        if record is None or not record.dated or clock.now_s() - record.event.at_s <= limit_s:
            return None
        return Mail((number,), record, recipients_of(self._settings, record.event.alarm))

    def _load(self, number):
        """The Record, counted for the recipients that the settings name now; None for one that is no use."""
        try:
            record = self._answered.get(number) or self._outbox.load(number)
        except StorageError as error:
            self.failure = error
            return None
        if record is None:
            return None
        recipients = recipients_of(self._settings, record.event.alarm)
        crc = records.recipients_crc(recipients)
        if record.recipients_crc != crc:
            # For others it is another mail, and so it gets another Message-ID: always the same one.
            record.recipients_crc = crc
            record.identity ^= crc
            record.begun = NOT_BEGUN
            record.pending, record.refused = records.EVERYONE, 0
        record.pending &= (1 << len(recipients)) - 1
        return record

    def _set_apart(self, mail):
        """Older alerts for the same recipients that are not in this digest shall not get into it later."""
        apart = {}  # by who is pending: a digest that was begun before stays together
        for number in self._outbox.waiting():
            if number >= mail.numbers[-1]:
                break
            record = self._load(number) if number not in mail.numbers else None
            if record is None or record.recipients_crc != mail.last.recipients_crc:
                continue
            if record.begun == ENDS_DIGEST:
                apart[record.pending] = []
            else:
                apart.setdefault(record.pending, []).append(number)
        for numbers in apart.values():
            for number in numbers:
                self._alone.add(number)
                self._mark(number, self._load(number), ALONE)

    def _mark(self, number, record, begun):
        """True if it got the mark now. One that it has stays: what is left of a digest is still its end."""
        if record.begun != NOT_BEGUN or record.event.kind >= TEST:
            return False
        record.begun = begun
        try:
            self._outbox.update(number, record)
        except StorageError as error:
            log.error("courier", "How a mail was begun is not stored. %s", error)
        return True

    def _portion(self, group):
        """What of the waiting records of one kind goes into the next mail."""
        if not group:
            return group
        self._first.setdefault(group[0], self._uptime_s())
        if group[0] == self._suspect:
            return group[:1]
        if len(group) > _MOST_APART or (len(group) > 1 and self._waits_long(group[0])):
            return group[:MOST_TOGETHER]
        return group[:1]

    def _waits_long(self, number):
        waited_s = self._uptime_s() - self._first[number]
        return number <= self._outbox.newest_found or waited_s >= self._settings["limits"]["digest_after_s"]

    def _sooner(self, numbers, others):
        """Of two choices, the one that was tried less, or else is older; either may be empty."""
        if not numbers or not others:
            return numbers or others or None
        tried = self._tried.get(numbers[0], 0), numbers[0]
        return others if (self._tried.get(others[0], 0), others[0]) < tried else numbers

    def _forget(self, number):
        self._tried.pop(number, None)
        self._first.pop(number, None)
        self._alone.discard(number)
