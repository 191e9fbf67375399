"""Bugs, planted to see that the suite of cuts finds each. All are such as were seen in mail clients."""

import contextlib
import random

from mailmote import dispatch, errors
from mailmote.courier import Courier
from mailmote.mailbag import Mailbag
from mailmote.net import stream
from mailmote.net.session import Session
from mailmote.smtp import dialogue
from mailmote.smtp.dialogue import Dialogue
from mailmote.smtp.transaction import DONE, Transaction
from mailmote.store import record


@contextlib.contextmanager
def planted(owner, name, bug):
    """`owner.name` is replaced by what `bug(real)` makes of it."""
    real = getattr(owner, name)
    setattr(owner, name, bug(real))
    try:
        yield
    finally:
        setattr(owner, name, real)


def reply_without_its_end(real):
    def end_of_stream(self):
        self._reader.feed(b"\r\n")
        reply = None if self._reader.empty else self._reader.take()
        if reply:
            self._take(reply)
        if self.wants != dialogue.READY:
            real(self)

    return end_of_stream


def lost_after_the_dot_is_delivered(real):
    async def receive_reply(self):
        before = self._dialogue
        stage, transaction = before.stage, before._transaction
        try:
            await real(self)
        except errors.MailmoteError:
            if stage != "content":
                raise
            before._results = [None] * len(transaction.errors)
            before._closed()

    return receive_reply


def recipients_are_enough(real):
    def recipient_answered(self, reply):
        wanted = real(self, reply)
        if self._answered == len(self.errors):
            self.state = DONE
            return None
        return wanted

    return recipient_answered


def quit_decides(real):
    async def send(self, reverse_path, recipients, message):
        results = await real(self, reverse_path, recipients, message)
        self._dialogue.quit()
        await self._run()
        return results

    return send


def cut_refuses(real):
    async def send(self, reverse_path, recipients, message):
        try:
            return await real(self, reverse_path, recipients, message)
        except errors.MailmoteError as error:
            return [errors.GiveUp(str(error), "unknown-recipient")] * len(recipients)

    return send


def deleted_first(real):
    async def mail(self, dispatch, mail, notes, to):
        self._bag.settle(mail, record.EVERYONE, 0)
        return await real(self, dispatch, mail, notes, to)

    return mail


def nothing_fixed(real):
    def begin(self, mail):
        for number in mail.numbers:
            self._tried[number] = self._round

    return begin


def named_after_the_first(real):
    def digest(settings, route, records, last, health, notes):
        return real(settings, route, records, next(records()), health, notes)

    return digest


def another_identity(real):
    def decode(data):
        found = real(data)
        found.identity = random.getrandbits(32)
        return found

    return decode


def cut_is_for_a_person(real):
    def converted(error, host):
        return errors.FixSettings(str(real(error, host)), "unreachable")

    return converted


@contextlib.contextmanager
def growing_digest():
    with planted(Mailbag, "begin", nothing_fixed), planted(dispatch, "digest", named_after_the_first):
        yield


# What is wrong: (how it is planted, what of cut_cases.judge must find it).
BUGS = {
    "a final reply without its CRLF counts": (
        lambda: planted(Dialogue, "_end_of_stream", reply_without_its_end),
        "false successes",
    ),
    "a connection lost after the dot counts as delivered": (
        lambda: planted(Session, "_receive_reply", lost_after_the_dot_is_delivered),
        "lost",
    ),
    "accepted recipients count as a message accepted": (
        lambda: planted(Transaction, "_recipient_answered", recipients_are_enough),
        "false successes",
    ),
    "the answer to QUIT decides": (lambda: planted(Session, "send", quit_decides), "outside the window"),
    "a cut refuses the recipients": (lambda: planted(Session, "send", cut_refuses), "lost"),
    "deleted before the final reply": (lambda: planted(Courier, "_mail", deleted_first), "lost"),
    "the Message-ID is made anew at each try": (
        lambda: planted(record, "decode", another_identity),
        "other Message-ID",
    ),
    "a digest is made anew at each try": (
        lambda: planted(Mailbag, "begin", nothing_fixed),
        "other Message-ID",
    ),
    "a digest grows under its Message-ID": (growing_digest, "other alarms"),
    "a cut is for a person to mend": (
        lambda: planted(stream, "converted", cut_is_for_a_person),
        "not for later",
    ),
}
