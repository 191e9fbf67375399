"""The decisions of the two endpoints: who may sign in, send and relay. No input or output here.

Each decision returns None to permit, or the `Answer` that refuses.
"""

from typing import NamedTuple, Protocol

from mailmote.addresses import domain_of

from . import content, texts
from .auth import Credentials
from .bearer import Bearer, bearer
from .directory import Application
from .model import DAY_S, Mailbox, Tenant
from .record import Message, Session

MAX_RECIPIENTS_A_DOMAIN = 200  # of one message at the MX
MINUTE_S = 60.0


class Answer(NamedTuple):
    """A reply to give: its key in `texts`, the values that are its own, and how long to wait before it."""

    key: str
    fields: dict[str, str]
    delay_s: float


def answer(key: str, delay_s: float | None = None, **fields: str) -> Answer:
    """The answer of that key, after the delay that Exchange Online has, or the given one."""
    return Answer(key, fields, texts.delay_s(key) if delay_s is None else delay_s)


class Rules(Protocol):
    """What differs between the endpoints. Each method decides at the command it is named after."""

    endpoint: str
    host: str
    accepted: str
    """Key of the reply to an accepted message."""

    def judge(self, credentials: Credentials) -> Bearer | Answer: ...

    def sign_in(self, session: Session, credentials: Credentials) -> Answer | None: ...

    def leave(self, session: Session) -> None: ...

    def sender(self, session: Session) -> Answer | None: ...

    def recipient(self, session: Session, message: Message, address: str) -> Answer | None: ...

    def message(self, session: Session, message: Message) -> Answer | None: ...


class SubmissionRules:
    """smtp.office365.com: TLS, then a mailbox signs in, then it sends to anyone.

    Like the real one it decides late: who may send as whom, and all limits, after the end of the message.
    """

    endpoint = texts.SUBMISSION
    host = texts.SUBMISSION_HOST
    accepted = "accepted"

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._signed_in: dict[str, list[Session]] = {}
        self._applications: dict[Session, Application] = {}

    def judge(self, credentials: Credentials) -> Bearer | Answer:
        """Who may sign in with the credentials, or why nobody may; without any effect."""
        if credentials.mechanism == "XOAUTH2":
            known = bearer(self._tenant, credentials.user, credentials.secret) or "bad-token"
        else:
            known = self._by_password(credentials)
        if isinstance(known, str):
            return answer(known)
        fault = self._smtp_auth_fault(known.mailbox)
        return answer(fault) if fault else known

    def sign_in(self, session: Session, credentials: Credentials) -> Answer | None:
        """Judge the credentials; a good sign-in counts as a connection of the mailbox until `leave`."""
        verdict = self.judge(credentials)
        if isinstance(verdict, Answer):
            return verdict
        address = verdict.mailbox.address
        session.auth = (credentials.mechanism, address)
        self._signed_in.setdefault(address, []).append(session)
        if verdict.application is not None:
            self._applications[session] = verdict.application
        return None

    def leave(self, session: Session) -> None:
        """The connection has ended."""
        if session.auth is not None:
            self._signed_in[session.auth[1]].remove(session)

    def sender(self, session: Session) -> Answer | None:
        if session.tls is None:
            return answer("starttls-required")
        return None if session.auth else answer("not-authenticated")

    def recipient(self, session: Session, message: Message, address: str) -> Answer | None:
        return None  # an unknown one bounces later, in a mail of its own

    def message(self, session: Session, message: Message) -> Answer | None:
        assert session.auth is not None
        mailbox = self._tenant.mailbox(session.auth[1])
        application = self._applications.get(session)
        now_s = self._tenant.clock()
        if mailbox is None or (application and not application.may_open(mailbox.address, now_s)):
            return answer("mailbox-logon-failed")
        if self._signed_in[mailbox.address].index(session) >= self._tenant.max_connections:
            return answer("concurrent-connections")
        for address in (message.mail_from, content.author(message.data) or message.mail_from):
            if not mailbox.may_send_as(address):
                return answer("send-as-denied", mailbox=mailbox.address, sender=address)
        if mailbox.full:
            return answer("mailbox-full")
        if (
            mailbox.recipients_since(now_s - DAY_S) + len(message.recipients)
            > self._tenant.recipients_per_day
        ):
            return answer("recipient-quota")
        message.throttled_s = self._throttle_s(mailbox, now_s)
        mailbox.remember(now_s + message.throttled_s, len(message.recipients))
        return None

    def _by_password(self, credentials: Credentials) -> Bearer | str:
        """Who signs in with the password, or the key of the refusal."""
        tenant = self._tenant
        mailbox = tenant.mailbox(credentials.user)
        if tenant.basic_auth_retired:
            return "basic-auth-retired"
        if tenant.basic_auth_disabled or (mailbox and not mailbox.basic_auth):
            return "basic-auth-disabled"
        if mailbox is None:
            return "wrong-password"
        if mailbox.account_locked:
            return "account-locked"
        if mailbox.disabled or not mailbox.password or mailbox.password != credentials.secret:
            return "wrong-password"
        if tenant.security_defaults:
            return "security-defaults"
        if mailbox.conditional_access_blocks:
            return "conditional-access"
        return Bearer(mailbox, None)

    def _smtp_auth_fault(self, mailbox: Mailbox) -> str | None:
        if mailbox.smtp_auth is False:
            return "smtp-auth-disabled-mailbox"
        if mailbox.smtp_auth is None and self._tenant.smtp_auth_disabled:
            return "smtp-auth-disabled-tenant"
        return None

    def _throttle_s(self, mailbox: Mailbox, now_s: float) -> float:
        """How long to hold a message back so that no minute sees more than the tenant allows."""
        per_minute = self._tenant.messages_per_minute
        if len(mailbox.sent) < per_minute:
            return 0.0
        return max(0.0, mailbox.sent[-per_minute][0] + MINUTE_S - now_s)


class MxRules:
    """<domain-with-dashes>.mail.protection.outlook.com: mail for the tenant, and relay through connectors."""

    endpoint = texts.MX
    host = texts.MX_HOST
    accepted = "queued"

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def judge(self, credentials: Credentials) -> Bearer | Answer:
        return answer("unrecognized-auth")

    def sign_in(self, session: Session, credentials: Credentials) -> Answer | None:
        return answer("unrecognized-auth")

    def leave(self, session: Session) -> None:
        pass  # the MX counts no connections

    def sender(self, session: Session) -> Answer | None:
        return None

    def recipient(self, session: Session, message: Message, address: str) -> Answer | None:
        tenant = self._tenant
        domain = domain_of(address)
        if sum(domain_of(known) == domain for known in message.recipients) >= MAX_RECIPIENTS_A_DOMAIN:
            return answer("too-many-recipients")
        connector = tenant.connector_for(session.client, session.certificate_names)
        ours = tenant.accepts_domain_of(message.mail_from)
        if tenant.accepts_domain_of(address):
            if connector is None and tenant.reject_direct_send and ours:
                return answer("direct-send-rejected")
            if not tenant.has_recipient(address):
                return answer("unknown-recipient", recipient=address)
        elif connector is None:
            return answer("relay-denied")
        elif not ours and connector.certificate_name is None:
            return answer("relay-denied-domain")
        return None

    def message(self, session: Session, message: Message) -> Answer | None:
        return None if content.author(message.data) else answer("no-from-header")
