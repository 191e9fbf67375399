"""Whether what the tenant received is what the recording holds."""

import email
import email.policy
from collections import Counter
from datetime import UTC, datetime
from email.message import EmailMessage

from ..tenant.record import Message
from .ways import Way

# What the recording holds: a planned shutdown, the failure of the machine, and the end of each.
EXPECTED = {
    datetime(2013, 12, 16, 15, 40, tzinfo=UTC): "Machine too cold",
    datetime(2013, 12, 16, 18, 35, tzinfo=UTC): "OK again",
    datetime(2014, 2, 8, 0, 30, tzinfo=UTC): "Machine too cold",
    datetime(2014, 2, 9, 12, 0, tzinfo=UTC): "OK again",
}


def judge(way: Way, messages: list[Message]) -> list[str]:
    """What is not as expected: every mail there, once, to the right people, without a defect."""
    problems = []
    seen = Counter()
    for message in messages:
        mail = parsed(message)
        date = mail["Date"].datetime
        seen[date] += 1
        if message.recipients != [way.to]:
            problems.append(f"a mail went to {message.recipients}")
        if EXPECTED.get(date, "no such mail") not in mail["Subject"]:
            problems.append(f"unexpected mail: {date:%Y-%m-%d %H:%M} {mail['Subject']}")
        mechanism = message.auth[0] if message.auth else ""
        if bool(message.tls) != (way.tls != "none") or mechanism != way.mechanism:
            problems.append(f"a mail came with TLS {message.tls} and sign-in {message.auth}")
        if mail.defects:
            problems.append(f"a mail has defects: {mail.defects}")
    for date, words in EXPECTED.items():
        if seen[date] != 1:
            problems.append(f"{seen[date]} mails of {date:%Y-%m-%d %H:%M} ({words}), 1 expected")
    if len({parsed(message)["Message-ID"] for message in messages}) != len(messages):
        problems.append("two mails have the same Message-ID")
    return problems


def parsed(message: Message) -> EmailMessage:
    return email.message_from_bytes(message.data, _class=EmailMessage, policy=email.policy.default)
