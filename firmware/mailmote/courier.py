"""From the outbox to the mail server: what to send next, and what a result means.

A record leaves the outbox only when each of its recipients has been answered for: delivered, by a complete
final reply, or refused for good. What a failure means is its class (errors.py): a recipient that is refused
is set aside, what may pass is tried again later, and what a person must mend is tried again slowly; every
alert is kept. An alert that all of its recipients refuse, for no reason that the table knows, is kept as
well: somebody has to hear of it.

A connection takes the alerts that were never tried first, so that an old one with a bad recipient does not
stand in the way of a new one. Two alerts in a row that nobody gets end it: the server is at fault, or the
settings.
"""

import asyncio
import random

from . import compat, log
from .civil import duration
from .errors import FixSettings, GiveUp, MailmoteError, RetryLater, RetryNow, StorageError
from .explanations import failure
from .letters import client_name, letter, recipients_of
from .net import clock
from .net.session import Session
from .policy.pacing import Backoff
from .store import record as records
from .store import state

# A refusal for good that only its class tells: some servers say so at RCPT of a sender or client they refuse.
_UNKNOWN_REASONS = ("recipient-refused", "content-refused")


class Courier:
    """Sends what the outbox holds, over one connection at a time."""

    def __init__(self, settings, outbox, link, health, sign_in):
        self._settings = settings
        self._sign_in = sign_in
        self._outbox = outbox
        self._link = link
        self._health = health
        self._backoff = Backoff()
        self._arrived = asyncio.Event()
        self._asked = asyncio.Event()
        self._round = 0
        self._tried = {}  # number of a record: the round in which it was tried last
        self._answered = {}  # records with results that the flash has not taken yet
        self._opened = False
        self._next_try = None  # in ticks, while a pause lasts
        self._followed = None
        self._followed_failure = None
        self.idle = asyncio.Event()

    def wake(self):
        """Something was put into the outbox."""
        self.idle.clear()
        self._arrived.set()

    def follow(self, number):
        """Try this record at once, for a person waits for it, and remember what keeps it from delivery.

        The one that was followed before is forgotten.
        """
        self.wake()
        self._asked.set()
        self._followed = number
        self._followed_failure = None

    def failure_of(self, number):
        """The last error that kept a record from delivery since it is followed, or None."""
        return self._followed_failure if number == self._followed else None

    def next_try_s(self):
        """Seconds to the next attempt; None where nothing waits for one, or it is being made."""
        if self._next_try is None:
            return None
        return max(0, compat.ticks_diff(self._next_try, compat.ticks_ms()) // 1000)

    async def run(self, heartbeat):
        """Deliver, pause after a failure, wait for work; for ever."""
        retried_at_once = False
        while True:
            self._arrived.clear()
            self._asked.clear()
            if not len(self._outbox):
                self.idle.set()
                await heartbeat.wait(self._arrived)
                continue
            await self._link.wait_up(heartbeat)
            left = await self._deliver(heartbeat)
            if left is None:
                self._backoff.succeeded()
                retried_at_once = False
                continue
            self._health.failed(left)
            if isinstance(left, RetryNow) and not retried_at_once:
                retried_at_once = True
                continue
            pause_s = self._backoff.pause_s(isinstance(left, FixSettings), random.random())
            text = "%d alerts wait. %s Next try in %s."
            log.warning("courier", text, len(self._outbox), left, duration(pause_s))
            # A server that was reached gets a new alert at once; one that was not, or that refuses the
            # sign-in, is left in peace until a person asks: hammering prolongs a lockout.
            self._next_try = compat.ticks_add(compat.ticks_ms(), pause_s * 1000)
            await heartbeat.sleep(pause_s, self._arrived if self._opened else self._asked)
            self._next_try = None

    async def _deliver(self, heartbeat):
        """Send what waits over one connection; the failure that stopped it or was left, or None."""
        session = None
        left = None
        self._opened = False
        self._round += 1
        try:
            credentials = await self._sign_in.credentials(heartbeat)
            session = Session(
                client_name(self._settings),
                self._settings["mail"],
                credentials,
                heartbeat,
                self._sign_in.identity(),
            )
            self._health.collect()
            await self._open(session)
            fruitless = 0
            number = self._next()
            while number is not None and fruitless < 2:
                self._tried[number] = self._round
                failed, delivered = await self._send(session, number)
                if number == self._followed and failed:
                    self._followed_failure = failed
                left = failed or left
                if delivered and session.secure:
                    _keep_time()
                fruitless = fruitless + 1 if failed and not delivered else 0
                number = self._next()
        except MailmoteError as error:
            left = self._followed_failure = error
        except MemoryError:
            left = self._followed_failure = failure(RetryLater, "no-memory")
        finally:
            if session:
                await session.close()
            self._health.collect()
        return left

    async def _open(self, session):
        """Raises MailmoteError; RetryNow where a new token is to take the place of a refused one."""
        try:
            await session.open()
        except MailmoteError as error:
            if self._sign_in.refused(error):
                raise RetryNow(error.text, error.key)
            raise
        self._sign_in.accepted()
        self._opened = True

    def _next(self):
        """The record to send next: of those not tried in this round, the one that waits longest for a try."""
        best = None
        for number in self._outbox.waiting():
            tried = self._tried.get(number, 0)
            if tried < self._round and (best is None or tried < self._tried.get(best, 0)):
                best = number
        return best

    async def _send(self, session, number):
        """Send one record to those of its recipients that are pending.

        Returns what keeps some of them pending, or None, and how many it was delivered to. Raises
        MailmoteError when the connection is lost or the flash fails.
        """
        record = self._answered.get(number) or self._outbox.load(number)
        self._health.damaged = self._outbox.bad
        if record is None:
            return None, 0
        recipients = recipients_of(self._settings, record.event.alarm)
        if record.recipients_crc != records.recipients_crc(recipients):
            record.recipients_crc = records.recipients_crc(recipients)
            record.pending, record.refused = records.EVERYONE, 0
        record.pending &= (1 << len(recipients)) - 1
        pending = [index for index in range(len(recipients)) if record.pending & 1 << index]
        notes = tuple(self._health.notes)
        results = []
        if pending:
            results = await self._mail(session, record, notes, [recipients[index] for index in pending])
        delivered = len([result for result in results if result is None])
        failed = self._conclude(number, record, recipients, pending, results)
        if delivered:
            self._health.delivered(notes, record.event.title)
            text = '"%s" was accepted for %d of %d recipients.'
            log.info("courier", text, record.event.title, delivered, len(recipients))
        self._health.collect()
        return failed, delivered

    async def _mail(self, session, record, notes, to):
        """The result for each of `to`: None for delivered, or an exception."""
        message = letter(self._settings, record, notes, self._health.lines())
        try:
            return await session.send(self._settings["mail"]["from"], to, message)
        except GiveUp as error:
            return [error] * len(to)

    def _conclude(self, number, record, recipients, pending, results):
        """Keep in the outbox what the results leave to do; what some recipients are pending for, or None."""
        failed = None
        answered = False
        nobody = record.pending | record.refused == (1 << len(recipients)) - 1 and None not in results
        for index, result in zip(pending, results):
            if nobody and isinstance(result, GiveUp) and result.key in _UNKNOWN_REASONS:
                result = FixSettings(result.text, result.key)
            if result is not None and not isinstance(result, GiveUp):
                failed = failed if isinstance(failed, FixSettings) else result
                continue
            answered = True
            record.pending &= ~(1 << index)
            if result:
                record.refused |= 1 << index
                if number == self._followed:
                    self._followed_failure = result
                self._health.refused += 1
                text = "%s does not get this mail. %s" % (recipients[index], result)
                self._health.note(text)
                log.error("courier", text)
        self._answered[number] = record
        if not record.pending:
            self._outbox.close(number, record)
            self._tried.pop(number, None)
        elif answered:
            self._outbox.update(number, record)
        self._answered.pop(number, None)
        return failed


def _keep_time():
    """A server that was verified has taken mail, so the clock is right: its time is the floor from now on."""
    now_s = clock.now_s()
    if not clock.floor_due(now_s):
        return
    clock.raise_floor(now_s)
    try:
        state.write(clock.FLOOR, now_s)
    except StorageError as error:
        log.error("courier", "The time is not stored. %s", error)
