"""What the servers saw: sessions, transactions, messages, without the secrets that passed by."""

import base64
import datetime
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

CLIENT = "C"
SERVER = "S"
HIDDEN = "***"

_SHOWN_CHARACTERS = 2000  # of one command or reply in a transcript; hostile replies have megabytes


@dataclass(eq=False)
class Message:
    """One mail transaction, from an accepted MAIL on, whether it came to a message or not.

    `recipients` are those accepted, `refused` those not, each with the reply. `result` is the reply to the
    end of the message, `accepted` whether the tenant took it. `round_trips` counts how often the client
    waited for the server, from the connect (or the final reply of the message before) to the final reply
    of this one. `throttled_s` is how long the tenant held the message back for sending too fast.
    """

    session: "Session" = field(repr=False)
    endpoint: str
    mail_from: str
    parameters: dict[str, str] = field(default_factory=dict)
    recipients: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    data: bytes = field(default=b"", repr=False)
    result: str = ""
    accepted: bool = False
    round_trips: int = 0
    throttled_s: float = 0.0
    received_at: datetime.datetime | None = None
    tls: str | None = None
    auth: tuple[str, str] | None = None
    helo: str = ""


@dataclass(eq=False)
class Session:
    """One connection. `tls` is the version or None; `auth` is (mechanism, user) or None.

    `transcript` has (direction, line), direction "C" or "S"; lines of an AUTH exchange, known secrets and
    the content of messages are not in it. `ending` tells in words how the connection ended; it is empty
    while the session lives.
    """

    endpoint: str
    client: str
    helo: str = ""
    tls: str | None = None
    auth: tuple[str, str] | None = None
    certificate_names: tuple[str, ...] = ()
    transcript: list[tuple[str, str]] = field(default_factory=list)
    transactions: list[Message] = field(default_factory=list)
    round_trips: int = 0
    received_octets: int = 0
    sent_octets: int = 0
    ending: str = ""

    def said(self, direction: str) -> list[str]:
        """The lines of one side."""
        return [line for side, line in self.transcript if side == direction]


@dataclass(frozen=True)
class SignInAttempt:
    """One request at the sign-in endpoint, without what is secret in it.

    `grant` is the grant type, shortened, or "devicecode" for the request of a device code. `client_id` is the
    one that the client named, `***` where it is no GUID. `user` is the account that it was about, as far as
    that came out. `error` and `code` are those of the refusal; None: granted. `scripted`: a script gave or
    broke the answer; a broken one was granted or refused all the same.
    """

    grant: str
    client_id: str
    user: str | None
    error: str | None
    code: int | None
    scripted: bool = False


class Journal:
    """All sessions, for one thread that writes and others that read and wait."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._sessions: list[Session] = []
        self._messages: list[Message] = []
        self._sign_ins: list[SignInAttempt] = []

    @property
    def sign_ins(self) -> list[SignInAttempt]:
        """The requests at the sign-in endpoint, in order."""
        with self._changed:
            return list(self._sign_ins)

    @property
    def sessions(self) -> list[Session]:
        with self._changed:
            return list(self._sessions)

    @property
    def messages(self) -> list[Message]:
        """The accepted messages, in the order of their acceptance."""
        with self._changed:
            return list(self._messages)

    def open(self, session: Session) -> None:
        with self._changed:
            self._sessions.append(session)
            self._changed.notify_all()

    def write(self, session: Session, direction: str, text: str, secrets: Iterable[str]) -> None:
        shown = redacted(text, secrets)[:_SHOWN_CHARACTERS]
        with self._changed:
            session.transcript += [(direction, line) for line in shown.split("\r\n")]
            self._changed.notify_all()

    def accept(self, message: Message) -> None:
        with self._changed:
            self._messages.append(message)
            self._changed.notify_all()

    def sign_in(self, sign_in: SignInAttempt) -> None:
        with self._changed:
            self._sign_ins.append(sign_in)
            self._changed.notify_all()

    def end(self, session: Session, ending: str) -> None:
        with self._changed:
            session.ending = ending
            self._changed.notify_all()

    def wait_for(self, condition: Callable[[], bool], timeout_s: float | None) -> bool:
        """Wait until the condition holds, asked again at each change. False when the time is over."""
        with self._changed:
            return self._changed.wait_for(condition, timeout_s)


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets, plain and in base64."""
    for secret in secrets:
        if not 0 < len(secret) <= len(text):
            continue  # tokens are many and long, lines are short
        text = text.replace(secret, HIDDEN)
        text = text.replace(base64.b64encode(secret.encode()).decode("ascii"), HIDDEN)
    return text
