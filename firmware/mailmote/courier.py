"""From the outbox to the mail server: what to send next, and what a result means.

A record leaves the outbox only when each of its recipients has been answered for with a complete final
reply. What a failure means is its class (errors.py): a recipient that is refused for good is set aside, what
may pass is tried again later, and what a person must mend pauses everything and keeps every alert.
"""

import asyncio
import random

from . import addresses, log
from .civil import duration
from .errors import FixSettings, GiveUp, MailmoteError, RetryLater, RetryNow
from .explanations import failure
from .mail.alert import About, compose
from .net.session import Session
from .policy.pacing import Backoff
from .smtp.auth import Credentials
from .store import record as records
from .store import secrets


class Courier:
    """Sends what the outbox holds, over one connection at a time."""

    def __init__(self, settings, outbox, link, health):
        self._settings = settings
        self._outbox = outbox
        self._link = link
        self._health = health
        self._backoff = Backoff()
        self._arrived = asyncio.Event()
        self.idle = asyncio.Event()

    def wake(self):
        """Something was put into the outbox."""
        self.idle.clear()
        self._arrived.set()

    async def run(self, heartbeat):
        """Deliver, pause after a failure, wait for work; for ever."""
        retried_at_once = False
        while True:
            self._arrived.clear()
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
            self._health.retries += 1
            if isinstance(left, RetryNow) and not retried_at_once:
                retried_at_once = True
                continue
            pause_s = self._backoff.pause_s(isinstance(left, FixSettings), random.random())
            log.warning(
                "courier",
                "%d alerts wait. %s Next try in %s.",
                len(self._outbox),
                left,
                duration(pause_s),
            )
            await heartbeat.sleep(pause_s)

    async def _deliver(self, heartbeat):
        """Send all that waits over one connection; the failure that stopped it or was left, or None."""
        session = None
        left = None
        try:
            session = Session(
                client_name(self._settings), self._settings["mail"], self._credentials(), heartbeat
            )
            self._health.collect()
            await session.open()
            for number in self._outbox.waiting():
                left = await self._send(session, number) or left
        except MailmoteError as error:
            left = error
        except MemoryError:
            left = failure(RetryLater, "no-memory")
        finally:
            if session:
                await session.close()
            self._health.collect()
        return left

    def _credentials(self):
        mail = self._settings["mail"]
        if mail["auth"] == "none":
            return None
        password = secrets.get(mail["password"])
        log.hide(password)
        return Credentials(mail["username"], password)

    async def _send(self, session, number):
        """Send one record to those of its recipients that are pending.

        Returns what keeps some of them pending, or None. Raises what would keep back the next record too: a
        fault in the settings, or a server that took this mail for nobody.
        """
        record = self._outbox.load(number)
        if record is None:
            return None
        recipients = recipients_of(self._settings, record.event.alarm)
        everyone = (1 << len(recipients)) - 1
        if record.recipients_crc != records.recipients_crc(recipients):
            record.recipients_crc = records.recipients_crc(recipients)
            record.pending, record.refused = everyone, 0
        pending = [index for index in range(len(recipients)) if record.pending & 1 << index]
        sender = self._settings["mail"]["from"]
        message_id = "%08x.%08x@%s" % (record.event.at_s, record.identity, addresses.domain_of(sender))
        about = self._about(record.event)
        message = compose(record.event, about, message_id, self._health.lines())
        try:
            results = await session.send(sender, [recipients[index] for index in pending], message)
        except GiveUp as error:
            results = [error] * len(pending)
        self._health.collect()
        delivered = len([result for result in results if result is None])
        if delivered:
            self._health.mails += 1
            self._health.notes = []
            log.info(
                "courier",
                '"%s" was accepted for %d of %d recipients.',
                record.event.alarm,
                delivered,
                len(recipients),
            )
        pending_for = self._conclude(number, record, recipients, pending, results)
        if pending_for and (not delivered or isinstance(pending_for, FixSettings)):
            raise pending_for
        return pending_for

    def _conclude(self, number, record, recipients, pending, results):
        """Keep in the outbox what the results leave to do; what some recipients are pending for, or None."""
        pending_for = None
        answered = False
        for index, result in zip(pending, results):
            if result is not None and not isinstance(result, GiveUp):
                pending_for = pending_for if isinstance(pending_for, FixSettings) else result
                continue
            answered = True
            record.pending &= ~(1 << index)
            if result:
                record.refused |= 1 << index
                self._health.refused += 1
                text = "%s does not get this mail. %s" % (recipients[index], result)
                self._health.note(text)
                log.error("courier", text)
        if not pending_for:
            self._outbox.close(number, record)
        elif answered:
            self._outbox.update(number, record)
        return pending_for

    def _about(self, event):
        """What the settings say of an event; an alarm that they no longer have is told all the same."""
        settings = self._settings
        device, mail = settings["device"], settings["mail"]
        alarm = _named(settings["alarms"], event.alarm)
        sensor = _named(settings["sensors"], alarm.get("sensor"))
        return About(
            device["name"],
            sensor.get("name", "?"),
            mail["from"],
            alarm.get("to") or mail["to"],
            () if alarm.get("to") else mail.get("cc", ()),
            mail.get("reply_to"),
            mail.get("subject_prefix", ""),
            device.get("site", ""),
            sensor.get("unit", ""),
            device["utc_offset_s"],
            alarm.get("severity", ""),
            sensor.get("every_s", 0),
            alarm.get("for_s", 0),
            alarm.get("clear"),
            alarm.get("repeat_every_s", 0),
            tuple(self._health.notes),
        )


def recipients_of(settings, alarm_name):
    """The envelope's recipients of an alarm: its own, or those of the mail table."""
    mail = settings["mail"]
    own = _named(settings["alarms"], alarm_name).get("to")
    return list(own) if own else mail["to"] + mail.get("cc", [])


def client_name(settings):
    """The name for EHLO: the device as a host of the sender's domain, since Exchange refuses bare words."""
    label = "".join(
        character if "a" <= character <= "z" or "0" <= character <= "9" else "-"
        for character in settings["device"]["name"].lower()
    ).strip("-")
    return "%s.%s" % (label[:63].strip("-") or "mote", addresses.domain_of(settings["mail"]["from"]))


def _named(entries, name):
    for entry in entries:
        if entry["name"] == name:
            return entry
    return {}
