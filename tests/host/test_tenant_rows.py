"""Each row of the table of replies: a script can put it where it belongs, or the tenant brings it about."""

from dataclasses import dataclass, field

import pytest
from tenant_client import (
    CLIENT_ID,
    MESSAGE,
    MOTE,
    OPS,
    OUTSIDE,
    PASSWORD,
    TOKEN,
    RawClient,
    base64_text,
    contoso,
    matches,
    xoauth2,
)

from mailmote_host.tenant import Connector, Fault, Mailbox, Reply, Service, Stage, Tenant, serve, texts
from mailmote_host.tenant.directory import SEND_AS_APP, SUBMISSION_RESOURCES
from mailmote_host.tenant.faults import STAGES
from mailmote_host.tenant.tokens import AccessToken


@dataclass
class Walk:
    """A whole session in lockstep, as far as the server lets it, and the last reply of each stage."""

    tls: bool = True
    auth: tuple[str, ...] = ("AUTH LOGIN", base64_text(MOTE), base64_text(PASSWORD))
    mail: str = f"MAIL FROM:<{MOTE}>"
    recipients: tuple[str, ...] = (OPS,)
    message: bytes = MESSAGE
    replies: dict[str, str] = field(default_factory=dict)

    def go(self, service: Service, endpoint: str) -> dict[str, str]:
        submission = endpoint == texts.SUBMISSION
        with RawClient(service.submission if submission else service.mx) as client:
            self.replies["greeting"] = client.reply()
            self._ask(client, "ehlo", "EHLO mote.contoso.example")
            if self.tls:
                self.replies["starttls"] = client.secure(service.ca_pem, "localhost")
                self._ask(client, "ehlo", "EHLO mote.contoso.example")
            if submission and self.tls:
                for line in self.auth:
                    reply = self._ask(client, "auth", line)
                    if reply.startswith("334"):
                        self.replies["challenge"] = reply
            commands = [
                ("mail", self.mail),
                *(("rcpt", f"RCPT TO:<{to}>") for to in self.recipients),
                ("data", "DATA"),
            ]
            for stage, command in commands:
                self._ask(client, stage, command)
            if self.replies["data"].startswith("354"):
                self._ask(client, "content", self.message + b".\r\n")
            self._ask(client, "quit", "QUIT")
        return self.replies

    def _ask(self, client: RawClient, stage: str, line: str | bytes) -> str:
        self.replies[stage] = client.ask(line)
        return self.replies[stage]


def mailbox(**settings: bool) -> Tenant:
    """A tenant whose mailbox is so."""
    tenant = contoso()
    tenant.mailboxes = [Mailbox(MOTE, PASSWORD, **settings)]
    return tenant


def crowd() -> Tenant:
    tenant = contoso()
    tenant.contacts = {f"ops{number}@contoso.example" for number in range(201)}
    return tenant


def application_without_full_access() -> Tenant:
    tenant = contoso()
    tenant.vault.access[APPLICATION_TOKEN] = AccessToken(
        APPLICATION_TOKEN,
        CLIENT_ID,
        None,
        SUBMISSION_RESOURCES[0],
        frozenset({SEND_AS_APP}),
        0,
        float("inf"),
    )
    return tenant


APPLICATION_TOKEN = "canary-token-of-the-application"
OLD = {"stack": "old"}
RELAY = Connector(networks=("127.0.0.0/8",))

# What the tenant says by itself: (its state, how the server behaves, the session that brings it about).
NATURAL: dict[str, tuple[Tenant, dict[str, str], Walk]] = {
    "greeting-old": (contoso(), OLD, Walk()),
    "greeting-new": (contoso(), {}, Walk()),
    "hello-plain": (contoso(), {}, Walk(tls=False)),
    "hello-tls": (contoso(), {}, Walk()),
    "ask-username": (contoso(), {}, Walk(auth=("AUTH LOGIN", "*"))),
    "ask-password": (contoso(), {}, Walk()),
    "signed-in": (contoso(), {}, Walk()),
    "sender-ok": (contoso(), {}, Walk()),
    "recipient-ok": (contoso(), {}, Walk()),
    "start-input": (contoso(), {}, Walk()),
    "accepted": (contoso(), {}, Walk()),
    "closing": (contoso(), {}, Walk()),
    "unrecognized-auth": (contoso(), {}, Walk(auth=("AUTH PLAIN AGEAYg==",))),
    "starttls-required": (contoso(), {}, Walk(tls=False)),
    "not-authenticated": (contoso(), {}, Walk(auth=())),
    "not-authenticated-after-failure": (contoso(), {}, Walk(auth=(xoauth2(MOTE, "expired"),))),
    "unknown-command": (contoso(), {}, Walk(mail="FROB")),
    "smtputf8-refused": (contoso(), {}, Walk(mail=f"MAIL FROM:<{MOTE}> SMTPUTF8")),
    "bad-token": (contoso(), {}, Walk(auth=(xoauth2(MOTE, "expired"),))),
    "smtp-auth-disabled-tenant": (contoso(smtp_auth_disabled=True), {}, Walk(auth=(xoauth2(MOTE, TOKEN),))),
    "smtp-auth-disabled-mailbox": (mailbox(smtp_auth=False), {}, Walk()),
    "basic-auth-disabled": (contoso(basic_auth_disabled=True), {}, Walk()),
    "wrong-password": (contoso(), {}, Walk(auth=("AUTH LOGIN", base64_text(MOTE), base64_text("wrong")))),
    "security-defaults": (contoso(security_defaults=True), {}, Walk()),
    "conditional-access": (mailbox(conditional_access_blocks=True), {}, Walk()),
    "account-locked": (mailbox(account_locked=True), {}, Walk()),
    "basic-auth-retired": (contoso(basic_auth_retired=True), {}, Walk()),
    "mailbox-logon-failed": (
        application_without_full_access(),
        {},
        Walk(auth=(xoauth2(MOTE, APPLICATION_TOKEN),)),
    ),
    "concurrent-connections": (contoso(max_connections=0), {}, Walk()),
    "recipient-quota": (contoso(recipients_per_day=0), {}, Walk()),
    "mailbox-full": (mailbox(full=True), {}, Walk()),
    "send-as-denied": (contoso(), {}, Walk(mail=f"MAIL FROM:<{OPS}>")),
    "mx-greeting": (contoso(), {}, Walk()),
    "mx-hello-plain": (contoso(), {}, Walk(tls=False)),
    "mx-hello-tls": (contoso(), {}, Walk()),
    "queued": (contoso(), {}, Walk()),
    "direct-send-rejected": (contoso(reject_direct_send=True), {}, Walk()),
    "unknown-recipient": (contoso(), {}, Walk(recipients=("nobody@contoso.example",))),
    "relay-denied": (contoso(), {}, Walk(recipients=(OUTSIDE,))),
    "relay-denied-domain": (
        contoso(connectors=[RELAY]),
        {},
        Walk(mail="MAIL FROM:<x@fabrikam.example>", recipients=(OUTSIDE,)),
    ),
    "too-many-recipients": (crowd(), {}, Walk(recipients=tuple(sorted(crowd().contacts)))),
    "no-from-header": (contoso(), {}, Walk(message=b"Subject: x\r\n\r\n")),
}

# What needs a reputation, DNS, another version, or an accident: by script only.
SCRIPTED = {
    "starttls-ready",  # the client of this test reads it itself
    "old-tls",
    "auth-temporary",
    "idle",
    "concurrent-connections-old",
    "external-recipient-quota",
    "external-recipient-quota-trial",
    "sender-blocked",
    "tenant-blocked",
    "address-not-accepted",
    "content-temporary",
    "send-as-denied-old",
    "unknown-recipient-new",
    "wrong-region",
    "unable-to-relay",
    "address-banned",
    "address-banned-last",
    "address-blocklisted",
    "server-busy",
    "rate-limited",
    "rate-limited-more",
    "dmarc-rejected",
    "spf-violation",
    "ipv6-unauthenticated",
    "reverse-dns-missing",
    "bad-helo",
    "connector-blocked",
}


def test_each_row_is_accounted_for_once():
    keys = [row.key for row in texts.ROWS]
    assert len(keys) == len(set(keys))
    assert set(keys) == set(NATURAL) | SCRIPTED
    assert not set(NATURAL) & SCRIPTED
    for row in texts.ROWS:
        assert row.stage in STAGES
        assert row.endpoint in (texts.SUBMISSION, texts.MX)
        assert "{" not in row.text


@pytest.mark.parametrize("key", NATURAL)
def test_the_tenant_says_it_by_itself(key):
    tenant, manners, walk = NATURAL[key]
    row = texts.row(key)
    with serve(tenant, patience_s=0, **manners) as service:
        replies = walk.go(service, row.endpoint)
    assert matches(row, replies[row.stage]), replies


@pytest.mark.parametrize("row", [row for row in texts.ROWS if row.refuses], ids=lambda row: row.key)
def test_a_script_says_it_at_its_stage(row):
    faults = [Fault(Stage(row.stage), Reply(row.text), endpoint=row.endpoint)]
    with serve(contoso(), patience_s=0, faults=faults) as service:
        replies = Walk().go(service, row.endpoint)
        assert replies[row.stage] == row.text
        assert service.messages == []
        assert row.text[:500] in "\n".join(service.sessions[0].said("S"))
