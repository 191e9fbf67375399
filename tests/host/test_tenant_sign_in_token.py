"""AUTH XOAUTH2 with tokens that the tenant's own sign-in endpoint has issued: whom they let in."""

import base64
import json

import pytest
from entra_client import app_only, directory, signed_in_device
from tenant_client import (
    DOMAIN,
    MOTE,
    OUTSIDE,
    PASSWORD,
    RawClient,
    base64_text,
    contoso,
    matches,
    transaction,
    xoauth2,
)

from mailmote_host.tenant import Fault, Mailbox, Reply, Stage, serve, texts

SHARED = f"alarms@{DOMAIN}"
GRAPH_SEND = "https://graph.microsoft.com/SMTP.Send offline_access"
READ_ONLY = "https://outlook.office.com/IMAP.AccessAsUser.All"


def secured(service) -> RawClient:
    client = RawClient(service.submission)
    client.greet()
    client.secure(service.ca_pem)
    client.ask("EHLO mote.contoso.example")
    return client


def verdict(service, user: str, token: str) -> str:
    with secured(service) as client:
        return client.ask(xoauth2(user, token))


def refused(reply: str, key: str = "bad-token") -> bool:
    return matches(texts.row(key), reply)


def admitted(reply: str) -> bool:
    return reply == "235 2.7.0 Authentication successful"


@pytest.fixture
def place():
    """(service, tenant, application, mailbox, clock)"""
    tenant, application, mailbox, clock = directory()
    with serve(tenant) as service:
        yield service, tenant, application, mailbox, clock


def test_a_token_of_the_device_code_flow_signs_in_and_sends(place):
    service, *_ = place
    token = signed_in_device(service).json["access_token"]
    with secured(service) as client:
        assert admitted(client.ask(xoauth2(MOTE.upper(), token)))
        client.send(*transaction(recipient=OUTSIDE))
        assert client.replies(3)[2].startswith("250 2.0.0 OK")
    assert service.messages[0].auth == ("XOAUTH2", MOTE)


def test_a_token_ends_by_the_tenants_clock(place):
    service, _, _, _, clock = place
    token = signed_in_device(service).json["access_token"]
    clock.pass_by(3598)
    assert admitted(verdict(service, MOTE, token))
    clock.pass_by(1)
    assert refused(verdict(service, MOTE, token))


def test_a_token_before_its_time_is_refused(place):
    service, _, _, _, clock = place
    token = signed_in_device(service).json["access_token"]
    clock.pass_by(-1)
    assert refused(verdict(service, MOTE, token))


@pytest.mark.parametrize(
    "turn",
    [
        lambda tenant: tenant.revoke(MOTE),
        lambda tenant: setattr(tenant.mailboxes[0], "tokens_valid_from", tenant.clock() + 1),
        lambda tenant: setattr(tenant.mailboxes[0], "disabled", True),
        lambda tenant: tenant.applications.clear(),
        lambda tenant: tenant.mailboxes.clear(),
    ],
)
def test_what_happens_after_the_issue_ends_a_token(place, turn):
    service, tenant, *_ = place
    token = signed_in_device(service).json["access_token"]
    assert admitted(verdict(service, MOTE, token))
    turn(tenant)
    assert refused(verdict(service, MOTE, token))


@pytest.mark.parametrize("scope", [GRAPH_SEND, "SMTP.Send", READ_ONLY, "openid offline_access"])
def test_a_token_for_something_else_is_refused(place, scope):
    service, _, application, *_ = place
    application.delegated |= {"IMAP.AccessAsUser.All"}
    token = signed_in_device(service, scope=scope).json["access_token"]
    assert refused(verdict(service, MOTE, token))


def test_the_user_of_the_token_counts_not_only_that_there_is_one(place):
    service, tenant, *_ = place
    tenant.mailboxes.append(Mailbox(SHARED))
    token = signed_in_device(service).json["access_token"]
    assert refused(verdict(service, SHARED, token))
    assert refused(verdict(service, "nobody@contoso.example", token))


@pytest.mark.parametrize("grant", ["full access", "send as"])
def test_a_shared_mailbox_opens_with_the_token_of_a_user_who_may(place, grant):
    service, tenant, _, mailbox, _ = place
    shared = Mailbox(SHARED)
    tenant.mailboxes.append(shared)
    if grant == "full access":
        shared.full_access.add(MOTE.upper())
    else:
        mailbox.send_as.add(SHARED.upper())
    token = signed_in_device(service).json["access_token"]
    message = f"From: <{SHARED}>\r\n\r\nx\r\n".encode()
    with secured(service) as client:
        assert admitted(client.ask(xoauth2(SHARED, token)))
        client.send(*transaction(sender=SHARED, message=message))
        assert client.replies(3)[2].startswith("250")
        client.send(*transaction(sender=MOTE))
        assert refused(client.replies(3)[2], "send-as-denied")
    assert service.messages[0].auth == ("XOAUTH2", SHARED)


def test_nobody_signs_in_as_a_shared_or_a_disabled_mailbox_with_a_password(place):
    service, tenant, _, mailbox, _ = place
    tenant.mailboxes.append(Mailbox(SHARED))
    mailbox.disabled = True
    for user, password in ((SHARED, ""), (MOTE, PASSWORD)):
        with secured(service) as client:
            client.ask(f"AUTH LOGIN {base64_text(user)}")
            assert refused(client.ask(base64_text(password)), "wrong-password")


@pytest.mark.parametrize("switch", ["tenant", "mailbox"])
@pytest.mark.parametrize("grant", ["device", "application"])
def test_smtp_auth_off_is_off_for_oauth_too(place, switch, grant):
    service, tenant, application, mailbox, _ = place
    application.grant_full_access(MOTE)
    token = (signed_in_device if grant == "device" else app_only)(service).json["access_token"]
    if switch == "tenant":
        tenant.smtp_auth_disabled = True
    else:
        mailbox.smtp_auth = False
    assert refused(verdict(service, MOTE, token), f"smtp-auth-disabled-{switch}")


# The application itself


def test_an_application_with_full_access_sends(place):
    service, _, application, *_ = place
    application.grant_full_access(MOTE.upper())
    token = app_only(service).json["access_token"]
    with secured(service) as client:
        assert admitted(client.ask(xoauth2(MOTE, token)))
        client.send(*transaction())
        assert client.replies(3)[2].startswith("250")


def test_missing_full_access_shows_after_the_message_and_full_access_takes_time_to_spread(place):
    service, _, application, _, clock = place
    token = app_only(service).json["access_token"]
    with secured(service) as client:
        assert admitted(client.ask(xoauth2(MOTE, token)))

        def send() -> str:
            client.send(*transaction())
            mail, rcpt, content = client.replies(3)
            assert (mail[:3], rcpt[:3]) == ("250", "250")
            return content

        assert refused(send(), "mailbox-logon-failed")
        application.grant_full_access(MOTE, spread_at=clock() + 1800)
        clock.pass_by(1799)
        assert refused(send(), "mailbox-logon-failed")
        clock.pass_by(1)
        assert send().startswith("250 2.0.0 OK")


def test_an_application_needs_consent_and_its_registration_in_exchange(place):
    service, tenant, application, *_ = place
    application.grant_full_access(MOTE)
    application.roles.clear()
    assert refused(verdict(service, MOTE, app_only(service).json["access_token"]))
    application.roles.add("SMTP.SendAsApp")
    token = app_only(service).json["access_token"]
    application.registered_in_exchange = False
    assert refused(verdict(service, MOTE, token))
    application.registered_in_exchange = True
    assert admitted(verdict(service, MOTE, token))
    tenant.applications.clear()
    assert refused(verdict(service, MOTE, token))


def test_an_application_opens_no_mailbox_that_is_not_there(place):
    service, *_ = place
    assert refused(verdict(service, "nobody@contoso.example", app_only(service).json["access_token"]))


def test_a_mailbox_of_a_disabled_account_stays_open_to_an_application(place):
    service, _, application, mailbox, _ = place  # as shared mailboxes are
    application.grant_full_access(MOTE)
    mailbox.disabled = True
    assert admitted(verdict(service, MOTE, app_only(service).json["access_token"]))


# The challenge of other providers


def test_a_refused_token_is_challenged_where_the_server_is_so():
    with serve(contoso(), xoauth2_challenge=True) as service, secured(service) as client:
        challenge = client.ask(xoauth2(MOTE, "canary-expired"))
        code, _, told = challenge.partition(" ")
        assert code == "334"
        assert json.loads(base64.b64decode(told)) == {
            "status": "400",
            "schemes": "Bearer",
            "scope": "https://outlook.office.com/SMTP.Send",
        }
        assert refused(client.ask(""))
        assert client.ask("NOOP").startswith("250")
        assert "canary" not in service.account()
        assert service.sessions[0].auth is None


def test_a_good_token_and_a_password_are_not_challenged():
    tenant = contoso()
    token = tenant.issue(MOTE, tenant.applications[0]).access
    with serve(tenant, xoauth2_challenge=True) as service:
        assert admitted(verdict(service, MOTE, token))
        with secured(service) as client:
            assert refused(client.login(MOTE, "wrong"), "wrong-password")


def test_a_script_can_take_the_place_of_the_challenge():
    fault = Fault(Stage("challenge"), Reply("454 4.7.0 Temporary authentication failure"))
    with serve(contoso(), xoauth2_challenge=True, faults=[fault]) as service, secured(service) as client:
        assert client.ask(xoauth2(MOTE, "x")) == "454 4.7.0 Temporary authentication failure"
        assert client.ask("NOOP").startswith("250")
