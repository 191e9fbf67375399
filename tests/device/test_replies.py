"""Each way in which Exchange Online refuses, over a real connection, on both runtimes."""

from contextlib import ExitStack

import pytest
from sessions import RUNTIMES, anonymous, message, run_jobs, submission

from mailmote import explanations
from mailmote_host.tenant.faults import Fault, Reply, Stage
from mailmote_host.tenant.model import Mailbox, Tenant
from mailmote_host.tenant.service import serve
from mailmote_host.tenant.texts import ROWS, SUBMISSION

REFUSALS = [row for row in ROWS if row.refuses]


# What the client does next. Where the explanation is that of another row, its key follows.
NEXT = {
    "unrecognized-auth": "FixSettings",
    "starttls-required": "FixSettings",
    "not-authenticated": "FixSettings",
    "not-authenticated-after-failure": "FixSettings wrong-password",
    "unknown-command": "FixSettings",
    "smtputf8-refused": "FixSettings",
    "old-tls": "FixSettings",
    "auth-temporary": "RetryLater temporary-server-error",
    "idle": "RetryNow",
    "bad-token": "FixSettings",
    "smtp-auth-disabled-tenant": "FixSettings",
    "smtp-auth-disabled-mailbox": "FixSettings",
    "basic-auth-disabled": "FixSettings",
    "wrong-password": "FixSettings",
    "security-defaults": "FixSettings",
    "conditional-access": "FixSettings",
    "account-locked": "FixSettings",
    "basic-auth-retired": "FixSettings",
    "mailbox-logon-failed": "RetryLater",
    "concurrent-connections": "RetryLater",
    "concurrent-connections-old": "RetryLater concurrent-connections",
    "recipient-quota": "RetryLater",
    "external-recipient-quota": "RetryLater",
    "external-recipient-quota-trial": "RetryLater",
    "mailbox-full": "FixSettings",
    "sender-blocked": "FixSettings",
    "tenant-blocked": "FixSettings",
    "address-not-accepted": "FixSettings",
    "content-temporary": "RetryLater temporary-server-error",
    "send-as-denied": "FixSettings",
    "send-as-denied-old": "FixSettings send-as-denied",
    "direct-send-rejected": "FixSettings",
    "unknown-recipient": "GiveUp",
    "unknown-recipient-new": "GiveUp unknown-recipient",
    "relay-denied": "FixSettings",
    "relay-denied-domain": "FixSettings",
    "wrong-region": "FixSettings",
    "unable-to-relay": "FixSettings",
    "address-banned": "FixSettings",
    "address-banned-last": "FixSettings address-banned",
    "address-blocklisted": "FixSettings",
    "server-busy": "RetryLater",
    "rate-limited": "RetryLater",
    "rate-limited-more": "RetryLater rate-limited",
    "too-many-recipients": "RetryLater",
    "dmarc-rejected": "FixSettings",
    "spf-violation": "FixSettings",
    "ipv6-unauthenticated": "FixSettings",
    "reverse-dns-missing": "FixSettings",
    "no-from-header": "FixSettings",
    "bad-helo": "FixSettings",
    "connector-blocked": "FixSettings",
}


@pytest.fixture(scope="module", params=RUNTIMES)
def outcomes(request, tmp_path_factory):
    """What the client made of each refusal, by its key."""
    tenant = Tenant(
        accepted_domains=("contoso.test",),
        mailboxes=[Mailbox("mote@contoso.test", "canary-password")],
        contacts={"facilities@contoso.test"},
    )
    with ExitStack() as stack:
        jobs = []
        for row in REFUSALS:
            service = stack.enter_context(serve(tenant, faults=[Fault(Stage(row.stage), Reply(row.text))]))
            make = submission if row.endpoint == SUBMISSION else anonymous
            jobs.append(make(service, message()))
        found = run_jobs(request.param, tmp_path_factory.mktemp("replies"), jobs, service.ca_der)
    return dict(zip((row.key for row in REFUSALS), found, strict=True))


def test_every_refusal_is_in_the_table():
    assert {row.key for row in REFUSALS} == set(NEXT)


@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: row.key)
def test_a_refusal_has_its_class_and_its_explanation(row, outcomes):
    outcome = outcomes[row.key]
    error = outcome["failure"] or outcome["results"][0][0]
    action, _, key = NEXT[row.key].partition(" ")
    cause, fix = explanations.explain(key or row.key)
    assert (error["class"], error["key"]) == (action, key or row.key)
    assert cause
    assert fix
    assert error["text"].endswith(f"{cause} {fix}")
    assert row.text[:40] in error["text"]
    assert "canary" not in error["text"]
