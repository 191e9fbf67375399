"""What Exchange Online says, word for word, as public session traces and Microsoft's pages show it.

`ROWS` holds each reply that an explanation exists for, filled with example values, for tests that go
through them all; `fill` makes the reply of a live session from the same templates. The stage of a row is
the command that it answers; `content` is the reply after the end of the message, `greeting` the banner.
"""

from collections.abc import Iterable
from typing import NamedTuple

from .model import MAX_MESSAGE_OCTETS

SUBMISSION = "submission"
MX = "mx"

SUBMISSION_HOST = "FR0P281CA0123.outlook.office365.com"
MX_HOST = "FR1PEPF00000F0C.mail.protection.outlook.com"

_AUTH_FAILED = "535 5.7.139 Authentication unsuccessful"
_DIAGNOSTIC = (
    "Failed to process message due to a permanent exception with message [BeginDiagnosticData]"
    "Cannot submit message. "
    + ", ".join(f"{n % 21}.{16000 + 997 * n}:0A000000" for n in range(50))
    + " [EndDiagnosticData]"
)  # about a thousand characters, as the real one has: beyond the 512 octets of a reply line in RFC 5321

EXAMPLE = {
    "server": "FR2P281MB1544.DEUP281.PROD.OUTLOOK.COM",
    "suffix": "[{host} 2026-08-28T19:45:50.437Z 08DF04C6D9A404E7]",
    "id": "08DF04C6D9A404E7",
    "date": "Fri, 28 Aug 2026 19:45:50 +0000",
    "client": "203.0.113.7",
    "mailbox": "mote@contoso.example",
    "sender": "freezer@contoso.example",
    "domain": "contoso.example",
    "recipient": "ops@contoso.example",
    "reason": _AUTH_FAILED + ", the user credentials were incorrect.",
    "message_id": "<20260828194550.1@mote.contoso.example>",
    "internal_id": "24988721562345",
    "octets": "8273",
}
"""Values for the fields of the templates, but for the host."""


class Row(NamedTuple):
    """One reply: where it is given and its text with example values. `template` has the fields open."""

    key: str
    endpoint: str
    stage: str
    text: str
    template: str

    @property
    def refuses(self) -> bool:
        """True where the reply refuses, for a time (4xx) or for good (5xx)."""
        return self.text[0] in "45"


def capabilities(endpoint: str, tls: bool, size: int = MAX_MESSAGE_OCTETS) -> list[str]:
    """The EHLO keywords, in Exchange's order. AUTH takes the place of STARTTLS; the MX never has AUTH."""
    if not tls:
        security = ["STARTTLS"]
    elif endpoint == SUBMISSION:
        security = ["AUTH LOGIN XOAUTH2"]
    else:
        security = []
    return [
        f"SIZE {size}",
        "PIPELINING",
        "DSN",
        "ENHANCEDSTATUSCODES",
        *security,
        "8BITMIME",
        "BINARYMIME",
        "CHUNKING",
        "SMTPUTF8",
    ]


def multiline(code: int, lines: Iterable[str]) -> str:
    """A reply of several lines (RFC 5321 section 4.2.1), joined with CRLF, without the last one."""
    *first, last = lines
    return "\r\n".join([*(f"{code}-{line}" for line in first), f"{code} {last}"])


def _hello(endpoint: str, tls: bool) -> str:
    return multiline(250, ["{host} Hello [{client}]", *capabilities(endpoint, tls)])


# fmt: off
_TEMPLATES = (
    # Client submission, smtp.office365.com
    ("greeting-old", SUBMISSION, "greeting",
     "220 {host} Microsoft ESMTP MAIL Service ready at {date} [{id}]"),
    ("greeting-new", SUBMISSION, "greeting", "220 outlook.office365.com Microsoft ESMTP ready"),
    ("hello-plain", SUBMISSION, "ehlo", _hello(SUBMISSION, tls=False)),
    ("hello-tls", SUBMISSION, "ehlo", _hello(SUBMISSION, tls=True)),
    ("starttls-ready", SUBMISSION, "starttls", "220 2.0.0 SMTP server ready"),
    ("ask-username", SUBMISSION, "challenge", "334 VXNlcm5hbWU6"),
    ("ask-password", SUBMISSION, "challenge", "334 UGFzc3dvcmQ6"),
    ("signed-in", SUBMISSION, "auth", "235 2.7.0 Authentication successful"),
    ("sender-ok", SUBMISSION, "mail", "250 2.1.0 Sender OK"),
    ("recipient-ok", SUBMISSION, "rcpt", "250 2.1.5 Recipient OK"),
    ("start-input", SUBMISSION, "data", "354 Start mail input; end with <CRLF>.<CRLF>"),
    ("accepted", SUBMISSION, "content", "250 2.0.0 OK {message_id} [Hostname={server}]"),
    ("closing", SUBMISSION, "quit", "221 2.0.0 Service closing transmission channel"),
    ("unrecognized-auth", SUBMISSION, "auth", "504 5.7.4 Unrecognized authentication type {suffix}"),
    ("starttls-required", SUBMISSION, "mail", "451 5.7.3 STARTTLS is required to send mail {suffix}"),
    ("not-authenticated", SUBMISSION, "mail", "530 5.7.57 Client not authenticated to send mail. {suffix}"),
    ("not-authenticated-after-failure", SUBMISSION, "mail",
     "530 5.7.57 Client not authenticated to send mail. Error: {reason} {suffix}"),
    ("unknown-command", SUBMISSION, "mail", "500 5.3.3 Unrecognized command 'unknown' {suffix}"),
    ("smtputf8-refused", SUBMISSION, "mail", "502 5.3.3 Command not implemented"),
    ("old-tls", SUBMISSION, "auth",
     "421 4.7.66 TLS 1.0 and 1.1 are not supported. Please upgrade/update your client to support TLS 1.2. "
     "Visit https://aka.ms/smtp_auth_tls. {suffix}"),
    ("auth-temporary", SUBMISSION, "auth",
     "451 4.7.0 Temporary server error. Please try again later. PRX4 [{host}]"),
    ("idle", SUBMISSION, "mail", "451 4.7.0 Timeout waiting for client input {suffix}"),

    # Sign-in failures
    ("bad-token", SUBMISSION, "auth", "535 5.7.3 Authentication unsuccessful {suffix}"),
    ("smtp-auth-disabled-tenant", SUBMISSION, "auth",
     _AUTH_FAILED + ", SmtpClientAuthentication is disabled for the Tenant. "
     "Visit https://aka.ms/smtp_auth_disabled for more information. {suffix}"),
    ("smtp-auth-disabled-mailbox", SUBMISSION, "auth",
     _AUTH_FAILED + ", SmtpClientAuthentication is disabled for the Mailbox. "
     "Visit https://aka.ms/smtp_auth_disabled for more information. {suffix}"),
    ("basic-auth-disabled", SUBMISSION, "auth",
     _AUTH_FAILED + ", basic authentication is disabled. {suffix}"),
    ("wrong-password", SUBMISSION, "auth", _AUTH_FAILED + ", the user credentials were incorrect. {suffix}"),
    ("security-defaults", SUBMISSION, "auth",
     _AUTH_FAILED + ", user is locked by your organization's security defaults policy. "
     "Contact your administrator. {suffix}"),
    ("conditional-access", SUBMISSION, "auth",
     _AUTH_FAILED + ", the request did not meet the criteria to be authenticated successfully. "
     "Contact your administrator. {suffix}"),
    ("account-locked", SUBMISSION, "auth",
     _AUTH_FAILED + ", account locked. Contact your administrator. {suffix}"),
    ("basic-auth-retired", SUBMISSION, "auth",
     "550 5.7.30 Basic authentication is not supported for Client Submission. {suffix}"),
    ("mailbox-logon-failed", SUBMISSION, "content",
     "430 4.2.0 STOREDRV; mailbox logon failure; STOREDRV.Submission.Exception:"
     "ConnectionFailedTransientException.MapiExceptionLogonFailed; Failed to process message due to a "
     "transient exception [Hostname={server}]"),

    # Limits
    ("concurrent-connections", SUBMISSION, "content",
     "432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more "
     "information. [Hostname={server}]"),
    ("concurrent-connections-old", SUBMISSION, "content",
     "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded [Hostname={server}]"),
    ("recipient-quota", SUBMISSION, "content",
     "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message "
     "due to a permanent exception with message The message can't be submitted because the sender's "
     "submission quota was exceeded. [Hostname={server}]"),
    ("external-recipient-quota", SUBMISSION, "content",
     "550 5.7.233 Your message can't be sent because your tenant exceeded its daily limit for sending email "
     "to external recipients (tenant external recipient rate limit). [Hostname={server}]"),
    ("external-recipient-quota-trial", SUBMISSION, "content",
     "550 5.7.232 Your message can't be sent because your trial tenant exceeded its daily limit for sending "
     "email to external recipients (tenant external recipient rate limit). [Hostname={server}]"),
    ("mailbox-full", SUBMISSION, "content",
     "554 5.2.2 mailbox full; STOREDRV.Submission.Exception:"
     "QuotaExceededException.MapiExceptionShutoffQuotaExceeded; " + _DIAGNOSTIC + " [Hostname={server}]"),
    ("sender-blocked", SUBMISSION, "content",
     "550 5.1.8 Access denied, bad outbound sender [Hostname={server}]"),
    ("tenant-blocked", SUBMISSION, "content",
     "550 5.7.705 Access denied, tenant has exceeded threshold [Hostname={server}]"),
    ("address-not-accepted", SUBMISSION, "content",
     "550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP. For more "
     "information please go to http://go.microsoft.com/fwlink/?LinkId=526653 [Hostname={server}]"),
    ("content-temporary", SUBMISSION, "content",
     "451 4.3.111 Temporary server error. Please try again later MRH1 [Hostname={server}]"),
    ("send-as-denied", SUBMISSION, "content",
     "554 5.2.252 SendAsDenied; {mailbox} not allowed to send as {sender}; STOREDRV.Submission.Exception:"
     "SendAsDeniedException.MapiExceptionSendAsDenied; " + _DIAGNOSTIC + " [Hostname={server}]"),
    ("send-as-denied-old", SUBMISSION, "content",
     "550 5.7.60 SMTP; Client does not have permissions to send as this sender"),

    # Direct send and relay, <domain-with-dashes>.mail.protection.outlook.com
    ("mx-greeting", MX, "greeting", "220 {host} Microsoft ESMTP MAIL Service ready at {date} [{id}]"),
    ("mx-hello-plain", MX, "ehlo", _hello(MX, tls=False)),
    ("mx-hello-tls", MX, "ehlo", _hello(MX, tls=True)),
    ("queued", MX, "content",
     "250 2.6.0 {message_id} [InternalId={internal_id}, Hostname={server}] {octets} bytes in 0.296, "
     "27.285 KB/sec Queued mail for delivery"),
    ("direct-send-rejected", MX, "rcpt",
     "550 5.7.68 TenantInboundAttribution; Direct Send not allowed for this organization from unauthorized "
     "sources {suffix}"),
    ("unknown-recipient", MX, "rcpt",
     "550 5.4.1 [{recipient}]: Recipient address rejected: Access denied [{host}]"),
    ("unknown-recipient-new", MX, "rcpt",
     "550 5.4.1 Recipient address rejected: Access denied. AS(201806281) {suffix}"),
    ("relay-denied", MX, "rcpt", "550 5.7.64 TenantAttribution; Relay Access Denied [{host}]"),
    ("relay-denied-domain", MX, "rcpt", "550 5.7.64 Relay Access Denied ATTR36 [{host}]"),
    ("wrong-region", MX, "rcpt", "451 4.4.62 Mail sent to the wrong Office 365 region. ATTR35 [{host}]"),
    ("unable-to-relay", MX, "rcpt", "450 4.7.1 Unable to Relay. ATTR14 [{host}]"),
    ("address-banned", MX, "rcpt",
     "550 5.7.606 Access denied, banned sending IP [{client}]. To request removal from this list please "
     "visit https://sender.office.com/ and follow the directions. {suffix}"),
    ("address-banned-last", MX, "rcpt",
     "550 5.7.649 Access denied, banned sending IP [{client}]. To request removal from this list please "
     "visit https://sender.office.com/ and follow the directions. {suffix}"),
    ("address-blocklisted", MX, "rcpt",
     "550 5.7.1 Service unavailable, Client host [{client}] blocked using Spamhaus. To request removal from "
     "this list see https://www.spamhaus.org/query/ip/{client} (AS16012609) {suffix}"),
    ("server-busy", MX, "rcpt",
     "451 4.7.500 Server busy. Please try again later from [{client}]. (S77714) {suffix}"),
    ("rate-limited", MX, "mail",
     "451 4.7.650 The mail server [{client}] has been temporarily rate limited due to IP reputation. "
     "For e-mail delivery information, see https://aka.ms/postmaster (S775) {suffix}"),
    ("rate-limited-more", MX, "mail",
     "451 4.7.651 The mail server [{client}] has been temporarily rate limited due to IP reputation. "
     "For e-mail delivery information, see https://aka.ms/postmaster (S4115) {suffix}"),
    ("too-many-recipients", MX, "rcpt", "452 4.5.3 Too many recipients {suffix}"),
    ("dmarc-rejected", MX, "content",
     "550 5.7.509 Access denied, sending domain {domain} does not pass DMARC verification and has a DMARC "
     "policy of reject. {suffix}"),
    ("spf-violation", MX, "content",
     "550 5.7.23 The message was rejected because of Sender Policy Framework violation {suffix}"),
    ("ipv6-unauthenticated", MX, "content",
     "450 4.7.26 Service does not accept messages sent over IPv6 [2001:db8::7] unless they pass either SPF "
     "or DKIM validation (message not signed) {suffix}"),
    ("reverse-dns-missing", MX, "rcpt",
     "550 5.7.25 Service unavailable, sending IPv6 address [2001:db8::7] must have reverse DNS "
     "record {suffix}"),
    ("no-from-header", MX, "content",
     "550 5.7.512 Access denied, message must be RFC 5322 section 3.6.2 compliant and include a valid From "
     "address {suffix}"),
    ("bad-helo", MX, "rcpt", "550 5.7.506 Access Denied, Bad HELO {suffix}"),
    ("connector-blocked", MX, "rcpt", "550 5.7.711 Access denied, bad inbound connector. AS(2204) {suffix}"),
)

_PROTOCOL = {
    "token-challenge": "334 {challenge}",
    "hello": "{lines}",
    "helo": "250 {host} Hello [{client}]",
    "reset": "250 2.0.0 Resetting",
    "noop": "250 2.0.0 OK",
    "chunk-ok": "250 2.1.0 {octets} octets received",
    "not-implemented": "502 5.3.3 Command not implemented",
    "hello-first": "503 5.5.2 Send hello first {suffix}",
    "sender-first": "503 5.5.2 Need mail command {suffix}",
    "recipient-first": "503 5.5.2 Need rcpt command {suffix}",
    "sender-given": "503 5.5.2 Sender already specified {suffix}",
    "needs-bdat": "503 5.5.2 Bad sequence of commands {suffix}",
    "already-secure": "503 5.5.2 TLS is already in use {suffix}",
    "already-signed-in": "503 5.5.2 Already authenticated {suffix}",
    "invalid-arguments": "501 5.5.4 Invalid arguments {suffix}",
    "invalid-domain": "501 5.5.4 Invalid domain name {suffix}",
    "invalid-sender": "501 5.1.7 Invalid address {suffix}",
    "invalid-recipient": "501 5.1.3 Invalid address {suffix}",
    "cancelled": "501 5.7.0 Authentication cancelled {suffix}",
    "too-big": "552 5.3.4 Message size exceeds fixed maximum message size {suffix}",
    "line-too-long": "500 5.5.2 Line too long {suffix}",
}
"""Replies of the protocol itself: of the bad ones a correct client sees none."""

_DELAYS_S = {
    "unknown-command": 5.0,
    "not-authenticated": 4.0,
    "not-authenticated-after-failure": 4.0,
}
_FAILED_AUTH_DELAY_S = 6.5  # 5 to 8 were seen
# fmt: on


def _with_example(template: str, endpoint: str) -> str:
    host = SUBMISSION_HOST if endpoint == SUBMISSION else MX_HOST
    suffix = EXAMPLE["suffix"].format(host=host)
    return template.format_map(EXAMPLE | {"host": host, "suffix": suffix})


ROWS = tuple(
    Row(key, endpoint, stage, _with_example(template, endpoint), template)
    for key, endpoint, stage, template in _TEMPLATES
)

_BY_KEY = {row.key: row for row in ROWS}
_TEMPLATE_BY_KEY = {row.key: row.template for row in ROWS} | _PROTOCOL


def row(key: str) -> Row:
    """The row of that key. Raises KeyError."""
    return _BY_KEY[key]


def fill(key: str, fields: dict[str, str]) -> str:
    """The reply `key` with the values of a live session; KeyError tells a field that is missing."""
    return _TEMPLATE_BY_KEY[key].format_map(fields)


def delay_s(key: str) -> float:
    """How long Exchange Online takes before that reply, in seconds, where it was seen to wait."""
    known = _BY_KEY.get(key)
    if known is not None and known.stage == "auth" and known.text.startswith("535"):
        return _FAILED_AUTH_DELAY_S
    return _DELAYS_S.get(key, 0.0)
