"""Signing in at the submission endpoint: each way in, and each reason to stay out, in Exchange's words."""

import pytest
from tenant_client import (
    MESSAGE,
    MOTE,
    PASSWORD,
    TOKEN,
    RawClient,
    base64_text,
    contoso,
    matches,
    signed_in,
    transaction,
    xoauth2,
)

from mailmote_host.tenant import Mailbox, Service, Tenant, serve, texts


def secured(service: Service) -> RawClient:
    """A client that may sign in now."""
    client = RawClient(service.submission)
    client.greet()
    client.secure(service.ca_pem)
    client.ask("EHLO mote.contoso.example")
    return client


def with_mailbox(**settings: object) -> Tenant:
    tenant = contoso()
    tenant.mailboxes = [Mailbox(MOTE, PASSWORD, **settings)]
    return tenant


def refused(key: str, reply: str) -> bool:
    return matches(texts.row(key), reply)


def test_login_with_the_user_name_on_its_line():
    with serve(contoso()) as service, secured(service) as client:
        assert client.ask(f"AUTH LOGIN {base64_text(MOTE.upper())}") == "334 UGFzc3dvcmQ6"
        assert client.ask(base64_text(PASSWORD)) == "235 2.7.0 Authentication successful"
        assert service.sessions[0].auth == ("LOGIN", MOTE)


def test_login_that_asks_for_both():
    with serve(contoso()) as service, secured(service) as client:
        assert client.ask("auth login") == "334 VXNlcm5hbWU6"
        assert client.ask(base64_text(MOTE)) == "334 UGFzc3dvcmQ6"
        assert client.ask(base64_text(PASSWORD)) == "235 2.7.0 Authentication successful"


def test_a_server_that_ignores_the_user_name_on_the_line_asks_for_it():
    with serve(contoso(), login_initial_response="ignored") as service, secured(service) as client:
        assert client.ask(f"AUTH LOGIN {base64_text(MOTE)}") == "334 VXNlcm5hbWU6"


def test_a_server_that_refuses_the_user_name_on_the_line_takes_it_later():
    with serve(contoso(), login_initial_response="refused") as service, secured(service) as client:
        assert client.ask(f"AUTH LOGIN {base64_text(MOTE)}").startswith("501 5.5.4")
        assert client.ask("AUTH LOGIN") == "334 VXNlcm5hbWU6"


def test_a_token_of_four_kilobytes_signs_in():
    tenant = contoso(access_token_octets=4096)
    token = tenant.issue(MOTE, tenant.applications[0]).access
    assert 4096 <= len(token) < 4110
    with serve(tenant) as service, secured(service) as client:
        assert client.ask(xoauth2(MOTE, token)) == "235 2.7.0 Authentication successful"
        assert service.sessions[0].auth == ("XOAUTH2", MOTE)


@pytest.mark.parametrize(
    "line",
    [
        xoauth2(MOTE, "expired"),
        xoauth2("second@contoso.example", TOKEN),
        xoauth2("nobody@contoso.example", TOKEN),
        "AUTH XOAUTH2 " + base64_text(f"user={MOTE}\x01auth=Bearer {TOKEN}\x01"),
        "AUTH XOAUTH2 " + base64_text(f"user={MOTE}\x01auth=Basic {TOKEN}\x01\x01"),
        "AUTH XOAUTH2 " + base64_text(f"auth=Bearer {TOKEN}\x01\x01"),
    ],
)
def test_a_bad_token_fails_at_once_without_a_challenge(line):
    tenant = contoso()
    tenant.mailboxes.append(Mailbox("second@contoso.example", "another"))
    with serve(tenant) as service, secured(service) as client:
        assert refused("bad-token", client.ask(line))


@pytest.mark.parametrize("mechanism", ["PLAIN", "PLAIN AGEAYg==", "NTLM", "CRAM-MD5", "XOAUTH2", ""])
def test_other_mechanisms_and_the_two_step_token_are_not_recognized(mechanism):
    with serve(contoso()) as service, secured(service) as client:
        assert refused("unrecognized-auth", client.ask(f"AUTH {mechanism}"))


def test_no_sign_in_without_tls():
    with serve(contoso()) as service, RawClient(service.submission) as client:
        client.reply()
        assert client.ask("AUTH LOGIN").startswith("503 5.5.2 Send hello first")
        client.ask("EHLO mote")
        assert refused("unrecognized-auth", client.ask("AUTH LOGIN"))


def test_an_exchange_that_is_cancelled_or_not_base64():
    with serve(contoso()) as service, secured(service) as client:
        client.ask("AUTH LOGIN")
        assert client.ask("*").startswith("501 5.7.0")
        client.ask("AUTH LOGIN")
        assert client.ask("AAAA!").startswith("501 5.5.4")
        assert client.login(MOTE, PASSWORD).startswith("235")


@pytest.mark.parametrize(
    ("key", "tenant"),
    [
        ("account-locked", with_mailbox(account_locked=True)),
        ("basic-auth-disabled", with_mailbox(basic_auth=False)),
        ("basic-auth-disabled", contoso(basic_auth_disabled=True)),
        ("basic-auth-retired", contoso(basic_auth_retired=True)),
        ("conditional-access", with_mailbox(conditional_access_blocks=True)),
        ("security-defaults", contoso(security_defaults=True)),
        ("smtp-auth-disabled-mailbox", with_mailbox(smtp_auth=False)),
        ("smtp-auth-disabled-tenant", contoso(smtp_auth_disabled=True)),
    ],
)
def test_a_right_password_is_refused_for_each_reason(key, tenant):
    with serve(tenant) as service, secured(service) as client:
        assert refused(key, client.login(MOTE, PASSWORD))


@pytest.mark.parametrize("user", [MOTE, "nobody@contoso.example"])
def test_a_wrong_password_and_an_unknown_user_look_the_same(user):
    with serve(contoso()) as service, secured(service) as client:
        assert refused("wrong-password", client.login(user, "wrong"))


def test_what_keeps_a_password_out_lets_a_token_in_but_for_the_smtp_auth_switches():
    for switch in ("basic_auth_disabled", "basic_auth_retired", "security_defaults"):
        with serve(contoso(**{switch: True})) as service, secured(service) as client:
            assert client.ask(xoauth2(MOTE, TOKEN)).startswith("235"), switch
    with serve(contoso(smtp_auth_disabled=True)) as service, secured(service) as client:
        assert refused("smtp-auth-disabled-tenant", client.ask(xoauth2(MOTE, TOKEN)))


def test_the_mailbox_overrides_the_organisation():
    tenant = with_mailbox(smtp_auth=True)
    tenant.smtp_auth_disabled = True
    with serve(tenant) as service:
        signed_in(service).__exit__()


def test_a_switch_works_while_the_server_runs():
    tenant = contoso(smtp_auth_disabled=True)
    with serve(tenant) as service, secured(service) as client:
        assert refused("smtp-auth-disabled-tenant", client.login(MOTE, PASSWORD))
        tenant.smtp_auth_disabled = False
        assert client.login(MOTE, PASSWORD).startswith("235")


def test_mail_before_tls_before_sign_in_and_after_a_failed_one():
    with serve(contoso()) as service, RawClient(service.submission) as client:
        client.greet()
        assert refused("starttls-required", client.ask(f"MAIL FROM:<{MOTE}>"))
        client.secure(service.ca_pem)
        client.ask("EHLO mote")
        reply = client.ask(f"MAIL FROM:<{MOTE}>")
        assert refused("not-authenticated", reply)
        assert "Error:" not in reply
        client.login(MOTE, "wrong")
        reply = client.ask(f"MAIL FROM:<{MOTE}>")
        assert refused("not-authenticated-after-failure", reply)
        assert (
            "Error: 535 5.7.139 Authentication unsuccessful, the user credentials were incorrect. [" in reply
        )


def test_a_message_tells_who_sent_it_and_how():
    with serve(contoso()) as service, signed_in(service) as client:
        client.send(*transaction(recipient="anyone@fabrikam.example"))
        assert matches(texts.row("accepted"), client.replies(3)[2])
        [message] = service.messages
        assert message.auth == ("LOGIN", MOTE)
        assert message.tls in ("TLSv1.2", "TLSv1.3")
        assert (message.endpoint, message.helo) == ("submission", "mote.contoso.example")
        assert (message.mail_from, message.recipients, message.data) == (
            MOTE,
            ["anyone@fabrikam.example"],
            MESSAGE,
        )


def test_failed_sign_ins_are_the_slow_ones():
    slow = {row.key for row in texts.ROWS if texts.delay_s(row.key) >= 5}
    assert slow == {
        "bad-token",
        "smtp-auth-disabled-tenant",
        "smtp-auth-disabled-mailbox",
        "basic-auth-disabled",
        "wrong-password",
        "security-defaults",
        "conditional-access",
        "account-locked",
        "unknown-command",
    }
    assert texts.delay_s("not-authenticated") == 4
