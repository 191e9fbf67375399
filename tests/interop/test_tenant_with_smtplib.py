"""Python's own client, which is not ours, is served by the tenant."""

import smtplib
import ssl
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from tenant_client import MOTE, OPS, OUTSIDE, PASSWORD, contoso

from mailmote_host.tenant import Connector, Service, serve


def mail(to: str = OPS) -> EmailMessage:
    message = EmailMessage(policy=policy.SMTP)
    message["From"], message["To"] = MOTE, to
    message["Subject"] = "Freezer \u2744 too warm"
    message.set_content(".a leading dot\n\n..and two\nlast line")
    return message


def sign_in(service: Service, password: str = PASSWORD) -> smtplib.SMTP:
    client = smtplib.SMTP(*service.submission, timeout=20)
    client.starttls(context=ssl.create_default_context(cadata=service.ca_pem))
    client.login(MOTE, password)
    return client


@pytest.fixture
def service():
    with serve(contoso(), patience_s=0.001) as running:
        yield running


def test_client_submission(service):
    with sign_in(service) as client:
        assert client.esmtp_features["auth"].split() == ["LOGIN", "XOAUTH2"]
        assert client.esmtp_features["size"] == "157286400"
        assert client.send_message(mail(OUTSIDE)) == {}
    [message] = service.messages
    assert message.auth == ("LOGIN", MOTE)
    assert message.parameters["SIZE"] == str(len(message.data))
    received = message_from_bytes(message.data, policy=policy.default)
    assert received.defects == []
    assert received["Subject"] == "Freezer \u2744 too warm"
    assert received.get_content().splitlines() == [".a leading dot", "", "..and two", "last line"]


def test_direct_send_to_some_that_exist(service):
    with smtplib.SMTP(*service.mx, timeout=20) as client:
        refused = client.send_message(mail(f"{OPS}, nobody@contoso.example"))
    assert list(refused) == ["nobody@contoso.example"]
    assert refused["nobody@contoso.example"][0] == 550
    assert service.messages[0].recipients == [OPS]


def test_relay_with_and_without_a_connector(service):
    with smtplib.SMTP(*service.mx, timeout=20) as client:
        with pytest.raises(smtplib.SMTPRecipientsRefused, match="TenantAttribution; Relay Access Denied"):
            client.send_message(mail(OUTSIDE))
        service.tenant.connectors.append(Connector(networks=("127.0.0.1",)))
        client.send_message(mail(OUTSIDE))
    assert service.messages[0].recipients == [OUTSIDE]


def test_a_wrong_password(service):
    with pytest.raises(
        smtplib.SMTPAuthenticationError, match="the user credentials were incorrect"
    ) as caught:
        sign_in(service, "wrong")
    assert caught.value.smtp_code == 535


def test_send_as_denied(service):
    message = mail()
    message.replace_header("From", OPS)
    with sign_in(service) as client, pytest.raises(smtplib.SMTPDataError, match="SendAsDenied") as caught:
        client.send_message(message, from_addr=MOTE)
    assert caught.value.smtp_code == 554
