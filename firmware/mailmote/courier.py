"""From the outbox to the mail server: when to send, by which way, and what a result means.

A record leaves the outbox only when each of its recipients has been answered for: delivered, by a complete
final reply, or refused for good. What a failure means is its class (errors.py): a recipient that is refused
is set aside, what may pass is tried again later, and what a person must mend is tried again slowly; every
alert is kept. An alert that all of its recipients refuse, for no reason that the table knows, is kept as
well: somebody has to hear of it.

What goes into a mail is up to the mailbag, how much may be sent to the allowance, and by which way to the
routes. Two mails in a row that nobody gets end a connection: the server is at fault, or the settings.
"""

import asyncio

from . import compat, log
from .allowance import PACKED_BYTES, Allowance
from .civil import duration
from .errors import GiveUp, MailmoteError, RetryLater, RetryNow
from .explanations import failure
from .floor import keep_time
from .mailbag import Mailbag
from .net import stream  # noqa: F401 - it knows whose turn it is: no loan may end it
from .refusals import Refusals
from .verdict import Verdict

_DISPATCH = "mailmote.dispatch"
_LOOK_S = 0.05
_KEEP_OPEN_S = 10  # a connection is not held for a longer wait than this
_UNREACHED = ("unreachable", "no-answer", "timeout")
_TURNS_TO_RENEW = 3  # the link, which may be there in name only


class Courier:
    """Sends what the outbox holds, over one connection at a time.

    `trouble` is the MailmoteError that keeps mail from leaving, or None.
    """

    def __init__(self, settings, outbox, link, health, routes):
        self._settings = settings
        self._outbox = outbox
        self._link = link
        self._health = health
        self._routes = routes
        self._bag = Mailbag(settings, outbox, health.uptime_s)
        self._refusals = Refusals(outbox, health)
        self._allowance = Allowance(settings, health.uptime_s)
        self._arrived = asyncio.Event()
        self._asked = asyncio.Event()
        self._opened = False
        self._trying = False
        self._wanted = 1  # recipients, of the mail that waits for the allowance
        self._next_try = None  # in ticks, while a pause lasts
        self._followed = None
        self._followed_failure = None
        self._unreached = 0  # turns in a row in which nobody could be reached
        self.trouble = None
        self.idle = asyncio.Event()
        self._allowance.outage()  # when the power comes back, all boards of a site start at once

    @property
    def reached(self):
        """Whether the last attempt came to a server that takes mail: a new alert may then be sent at once."""
        return self._opened

    def wake(self):
        """Something was put into the outbox."""
        self.idle.clear()
        self._arrived.set()

    def follow(self, number):
        """Try this record at once, for a person waits for it, and remember what keeps it from delivery.

        The one that was followed before is forgotten.
        """
        self.wake()
        self._allowance.hurry()
        self._asked.set()
        self._followed = number
        self._followed_failure = None

    def failure_of(self, number):
        """After a try, the last error that kept a record from delivery since it is followed, or None."""
        return self._followed_failure if number == self._followed and not self._trying else None

    def next_try_s(self):
        """Seconds to the next attempt; None where nothing waits for one, or it is being made."""
        if self._next_try is None:
            return None
        return max(0, compat.ticks_diff(self._next_try, compat.ticks_ms()) // 1000)

    def due_in_s(self):
        """Seconds until something should be sent; 0 for now, None where nothing waits."""
        if not len(self._outbox):
            return None
        return max(self._routes.pause_s(self._health.uptime_s()), self._allowance.wait_s(self._wanted))

    def pack(self):
        """The pauses that last and the pace, as bytes for a memory that outlives deep sleep."""
        return self._allowance.pack() + self._routes.pack(self._health.uptime_s())

    def unpack(self, data):
        """Take up what `pack` gave."""
        self._allowance.unpack(data[:PACKED_BYTES])
        self._routes.unpack(data[PACKED_BYTES:], self._health.uptime_s())

    async def settle(self, heartbeat):
        """Wait while something is about to be mailed; not for what cannot be."""
        while len(self._outbox) and not (self._link.trouble or self.trouble):
            await heartbeat.sleep(_LOOK_S)

    async def run(self, heartbeat):
        """Deliver, pause after a failure, wait for work; for ever."""
        while True:
            self._arrived.clear()
            self._asked.clear()
            if not len(self._outbox):
                self.idle.set()
                await heartbeat.wait(self._arrived)
                continue
            if not self._link.up:
                self._allowance.outage()
                await self._link.wait_up(heartbeat)
            if await self._wait_for_allowance(heartbeat):
                continue  # the link may be lost since, and the day is not over
            left = await self.turn(heartbeat)
            if left is None:
                continue
            pause_s = self._routes.pause_s(self._health.uptime_s())
            if pause_s:
                text = "%d alerts wait. %s Next try in %s."
                log.warning("courier", text, len(self._outbox), left, duration(pause_s))
            # A server that was reached gets a new alert at once; one that was not, or that refuses the
            # sign-in, is left in peace until a person asks: hammering prolongs a lockout.
            event = self._arrived if self._opened else self._asked
            await self._rest(heartbeat, pause_s, event)
            if event.is_set():
                self._routes.hurry(self._health.uptime_s(), self._asked.is_set())

    def clock_moved(self, by_s):
        """The clock was set: what was t is t + by_s now."""
        self._allowance.clock_moved(by_s)

    async def turn(self, heartbeat):
        """Deliver what waits by the ways that are due, one after the other until one succeeds.

        Returns what keeps mail from leaving, or None. Needs a link.
        """
        self._trying = True
        try:
            return await self._try(heartbeat)
        finally:
            self._trying = False

    async def _try(self, heartbeat):
        left = self.trouble
        self._opened = False
        self._refusals.expire(self._bag, self.trouble)
        for route in self._routes.due(self._health.uptime_s()):
            left, delivered = await self._deliver(route, heartbeat)
            if left is None:
                route.succeeded()
                break
            route.failed(left, self._health.uptime_s(), delivered)
            self.trouble = left
            self._health.failed(left)
            self._allowance.outage()
        self.trouble = left
        self._unreached = self._unreached + 1 if left and left.key in _UNREACHED else 0
        if self._unreached == _TURNS_TO_RENEW:
            self._unreached = 0
            self._link.renew()
        return left

    async def _wait_for_allowance(self, heartbeat):
        """True if there was something to wait for."""
        wait_s = self._allowance.wait_s(self._wanted)
        if self._allowance.used_up(self._wanted):
            error = failure(RetryLater, "recipients-used-up", self._settings["limits"]["recipients_per_day"])
            self._health.note(str(error))
            log.warning("courier", error)
        await self._rest(heartbeat, wait_s)
        return wait_s > 0

    async def _rest(self, heartbeat, seconds, unless=None):
        self._next_try = compat.ticks_add(compat.ticks_ms(), int(seconds * 1000))
        await heartbeat.sleep(seconds, unless)
        self._next_try = None

    async def _deliver(self, route, heartbeat):
        """Send what waits over one connection: (the failure that stopped it or was left, or None; mails)."""
        loan = None
        self._bag.begin_round()
        route.opened = False
        self._wanted = 1
        try:
            credentials = await route.sign_in.credentials(heartbeat)
            loan = compat.Loan(_DISPATCH)  # not before: a new token comes over HTTPS, which needs the room
            dispatch = loan.module.Dispatch(
                self._settings, route.mail, credentials, heartbeat, route.sign_in.identity()
            )
            return await self._empty_bag(dispatch, route, heartbeat)
        except MailmoteError as error:
            self._followed_failure = error
        except MemoryError:
            self._followed_failure = failure(RetryLater, "no-memory")
        finally:
            dispatch = None
            if loan:
                loan.end()
            self._health.collect()
        return self._followed_failure, 0

    async def _empty_bag(self, dispatch, route, heartbeat):
        """As `_deliver`, over this connection."""
        left = None
        delivered = fruitless = 0
        try:
            self._health.collect()
            await self._open(dispatch, route)
            mail = self._bag.next()
            while mail is not None and fruitless < 2:
                wanted = len(mail.pending())
                wait_s = self._allowance.wait_s(wanted)
                if wait_s > _KEEP_OPEN_S:
                    self._wanted = wanted
                    break
                await heartbeat.sleep(wait_s)
                failed, got = await self._send(dispatch, mail)
                left = failed or left
                delivered += got
                fruitless = fruitless + 1 if failed and not got else 0
                mail = self._bag.next()
            left = self._bag.failure or left
        except MailmoteError as error:
            left = self._followed_failure = error
        except MemoryError:
            left = self._followed_failure = failure(RetryLater, "no-memory")
        finally:
            await dispatch.close()
        return left, delivered

    async def _open(self, dispatch, route):
        """Raises MailmoteError; RetryNow where a new token is to take the place of a refused one."""
        try:
            await dispatch.open()
        except MailmoteError as error:
            if route.sign_in.refused(error):
                raise RetryNow(error.text, error.key)
            raise
        route.sign_in.accepted()
        self._opened = route.opened = True

    async def _send(self, dispatch, mail):
        """Send one mail to those of its recipients that are pending.

        Returns what keeps some of them pending, or None, and how many it was delivered to. Raises
        MailmoteError when the connection is lost or the flash fails.
        """
        self._health.damaged, self._health.merged = self._outbox.bad, self._outbox.merged
        pending = mail.pending()
        notes = tuple(self._health.notes)
        self._bag.begin(mail)
        results = []
        if pending:
            results = await self._mail(dispatch, mail, notes, [mail.recipients[i] for i in pending])
        delivered = len([result for result in results if result is None])
        failed = self._conclude(mail, pending, results)
        if delivered:
            self._health.delivered(notes, mail.last.event.title)
            self._refusals.told(notes)
            text = '"%s" was accepted for %d of %d recipients.'
            log.info("courier", text, mail.title, delivered, len(mail.recipients))
            if dispatch.secure:
                keep_time()
        self._health.collect()
        return failed, delivered

    async def _mail(self, dispatch, mail, notes, to):
        """The result for each of `to`: None for delivered, or an exception. Raises MailmoteError."""
        several = len(mail.numbers) > 1
        records = (lambda: self._bag.records(mail.numbers)) if several else None
        message = dispatch.write(records, mail.last, self._health, notes)
        self._allowance.began(len(to))
        began = compat.ticks_ms()
        try:
            results = await dispatch.send(message, to)
        except GiveUp as error:
            return [error] * len(to)
        except MailmoteError as error:
            self._allowance.judge((error,), 0)
            if error.answered:
                self._bag.settle(mail, 0, 0)
            else:
                self._bag.lost(mail)
            raise
        except Exception:  # want of memory, or a fault of our own
            self._bag.lost(mail)
            raise
        self._allowance.judge(results, compat.ticks_diff(compat.ticks_ms(), began) // 1000)
        return results

    def _conclude(self, mail, pending, results):
        """Keep in the outbox what the results leave to do; what some recipients are pending for, or None."""
        verdict = Verdict(mail, pending, results)
        if verdict.apart:
            self._bag.take_apart(mail)
        for index, error in verdict.refused:
            self._refusals.keep(mail, mail.recipients[index], error)
            if self._followed in mail.numbers:
                self._followed_failure = error
        if verdict.failed and self._followed in mail.numbers:
            self._followed_failure = verdict.failed
        self._bag.settle(mail, verdict.answered, verdict.refused_mask)
        return verdict.failed
