"""What is said in the dialogues that are cut, and what must hold after each cut."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from mailmote.smtp.credentials import Bearer, Credentials
from mailmote_host.tenant import content, texts
from mailmote_host.tenant.directory import Application
from mailmote_host.tenant.model import Connector, Mailbox, Tenant

PASSWORD = "canary-password"
SENDER = "mote@contoso.test"
INSIDE = ("facilities@contoso.test", "ops@contoso.test", "lab@contoso.test")
OUTSIDE = ("oncall@fabrikam.test", "ops@fabrikam.test", "lab@northwind.test")
NOBODY = "nobody@contoso.test"
MX_NAME = "contoso-test.mail.protection.outlook.com"
SUBMISSION_NAME = "smtp.office365.com"
CLIENT_ID = "11111111-2222-3333-4444-555555555555"
LATER = ("Alarm X", "Alarm Y", "Alarm Z")
TOKEN_OCTETS = 900  # three pieces of base64
NEVER = (
    "false successes",
    "lost",
    "left over",
    "outside the window",
    "other Message-ID",
    "other alarms",
    "not for later",
)


class Option(NamedTuple):
    """One of the ways to send: the settings' mail table, and who can be reached."""

    endpoint: str
    mail: dict[str, object]
    reached: tuple[str, ...]


OPTIONS = {
    "direct send": Option(
        texts.MX, {"option": "direct-send", "host": MX_NAME, "tls": "none", "auth": "none"}, INSIDE
    ),
    "direct send over TLS": Option(
        texts.MX, {"option": "direct-send", "host": MX_NAME, "tls": "opportunistic", "auth": "none"}, INSIDE
    ),
    "SMTP relay": Option(
        texts.MX, {"option": "smtp-relay", "host": MX_NAME, "tls": "opportunistic", "auth": "none"}, OUTSIDE
    ),
    "client submission": Option(
        texts.SUBMISSION,
        {"option": "client-submission", "host": SUBMISSION_NAME, "tls": "required", "auth": "password"},
        OUTSIDE,
    ),
    "client submission with OAuth": Option(
        texts.SUBMISSION,
        {"option": "client-submission", "host": SUBMISSION_NAME, "tls": "required", "auth": "oauth-app"},
        OUTSIDE,
    ),
}
TRANSFERS = {
    "BDAT in one flight": (),
    "DATA, pipelined": ("CHUNKING",),
    "BDAT in lock step": ("PIPELINING",),
    "DATA in lock step": ("CHUNKING", "PIPELINING"),
}


def tenant(clock: Callable[[], float]) -> Tenant:
    return Tenant(
        accepted_domains=("contoso.test",),
        mailboxes=[Mailbox(SENDER, PASSWORD)],
        contacts=set(INSIDE),
        connectors=[Connector(networks=("127.0.0.1/32",))],
        applications=[Application(CLIENT_ID)],
        access_token_octets=TOKEN_OCTETS,
        messages_per_minute=1000,
        clock=clock,
    )


class Case(NamedTuple):
    """A dialogue. `hide` takes extensions from the server; `alarms` and, later on, `later` are told."""

    option: str
    hide: Sequence[str] = ()
    recipients: Sequence[str] = ()
    alarms: Sequence[str] = ("Alarm A",)
    later: Sequence[str] = ()

    @property
    def endpoint(self) -> str:
        return OPTIONS[self.option].endpoint

    @property
    def mail(self) -> dict[str, object]:
        port = 25 if self.endpoint == texts.MX else 587
        return {"port": port, "connect_to": "127.0.0.1"} | OPTIONS[self.option].mail

    def credentials(self, tenant: Tenant) -> Credentials | Bearer | None:
        auth = self.mail["auth"]
        if auth == "none":
            return None
        if auth == "password":
            return Credentials(SENDER, PASSWORD.encode())
        return Bearer(SENDER, tenant.issue(SENDER, tenant.applications[0]).access.encode())


def cases() -> dict[str, Case]:
    """Each option, each way to hand over a message, 1 and 3 recipients; and what else takes another way."""
    found = {}
    for option, (_, _, reached) in OPTIONS.items():
        for transfer, hide in TRANSFERS.items():
            for count in (1, 3):
                found[f"{option}, {transfer}, {count}"] = Case(option, hide, reached[:count])
    for transfer, hide in TRANSFERS.items():
        one_refused = (INSIDE[0], NOBODY, INSIDE[1])
        found[f"one of 3 refused, {transfer}"] = Case("direct send", hide, one_refused)
        found[f"2 alerts, {transfer}"] = Case("client submission", hide, OUTSIDE[:1], ("Alarm A", "Alarm B"))
    for count in (1, 3, 5):
        alarms = tuple(f"Alarm {letter}" for letter in "ABCDE"[:count])
        found[f"{count} alerts, then 3 more"] = Case("direct send", (), INSIDE[:1], alarms, LATER)
    found["HELO"] = Case("direct send", ("EHLO",), INSIDE[:1])
    return found


def judge(
    case: Case,
    settled: Iterable[Sequence[Any]],
    failures: Iterable[Sequence[str]],
    waiting: Sequence[str],
    messages: Sequence[tuple[int, Any]],
    heard: Sequence[bytes],
) -> Counter[str]:
    """What one cut came to. `messages` has (number of the connection, tenant.record.Message), accepted ones;
    `heard` what the board read on each connection; the others are those of the Attempt.

    false successes    a recipient was settled without the complete final reply to a message for it
    lost               the tenant never accepted the alarm for the recipient
    left over          the alarm is still in the outbox at the end
    duplicates         messages that tell an alarm once more
    in the window      messages accepted whose complete final reply the board never read
    outside the window duplicates of a message whose final reply it has read
    other Message-ID   duplicates with another Message-ID
    other alarms       messages with the Message-ID of another one and other alarms: a mailbox may drop one
    not for later      failures of a class that does not come back by itself
    """
    found = Counter(cuts=1)
    answered = {id(message): _answer(message) in heard[number] for number, message in messages}
    found["in the window"] = list(answered.values()).count(False)
    for name, recipient, connection in settled:
        good = (
            number == connection and answered[id(message)] and _tells(message, name, recipient)
            for number, message in messages
        )
        found["false successes"] += not any(good)
    found["left over"] = len(waiting)
    again: set[tuple[int, int]] = set()
    for name in (*case.alarms, *case.later):
        for recipient in case.recipients:
            copies = [message for _, message in messages if _tells(message, name, recipient)]
            found["lost"] += not copies and recipient != NOBODY
            again |= {(id(first), id(second)) for first, second in zip(copies, copies[1:], strict=False)}
    by_id = {id(message): message for _, message in messages}
    found["duplicates"] = len({second for _, second in again})
    for first, second in again:
        found["outside the window"] += answered[first]
        found["other Message-ID"] += _message_id(by_id[first]) != _message_id(by_id[second])
    told_by: dict[str | None, set[frozenset[str]]] = {}
    for message in by_id.values():
        told = frozenset(name for name in (*case.alarms, *case.later) if name.encode() in message.data)
        told_by.setdefault(_message_id(message), set()).add(told)
    found["other alarms"] = sum(len(told) - 1 for told in told_by.values())
    found["not for later"] = sum(
        kind not in ("RetryNow", "RetryLater", "ProtocolError") for kind, _ in failures
    )
    return found


def faults(found: Counter[str]) -> dict[str, int]:
    """Of what came of cuts that which must not."""
    return {name: found[name] for name in NEVER if found[name]}


def _answer(message: Any) -> bytes:
    return message.result.encode() + b"\r\n"


def _tells(message: Any, name: str, recipient: str) -> bool:
    return recipient in message.recipients and name.encode() in message.data


def _message_id(message: Any) -> str | None:
    return content.message_id(message.data)
