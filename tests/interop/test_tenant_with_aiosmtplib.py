"""aiosmtplib, which is not ours, is served by the tenant."""

import asyncio
import ssl
from email.message import EmailMessage

import aiosmtplib
import pytest
from tenant_client import MOTE, OPS, PASSWORD, contoso

from mailmote_host.tenant import FIN, Fault, InData, Reply, Stage, serve


def mail() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = MOTE, OPS, "Freezer too warm"
    message.set_content("x" * 200_000)
    return message


def submit(service, password: str = PASSWORD):
    return aiosmtplib.send(
        mail(),
        hostname=service.submission.host,
        port=service.submission.port,
        start_tls=True,
        tls_context=ssl.create_default_context(cadata=service.ca_pem),
        username=MOTE,
        password=password,
        timeout=20,
    )


def direct(service):
    return aiosmtplib.send(
        mail(), hostname=service.mx.host, port=service.mx.port, start_tls=False, timeout=20
    )


def test_client_submission_and_direct_send_at_once():
    async def both(service):
        return await asyncio.gather(submit(service), direct(service))

    with serve(contoso(), patience_s=0.001) as service:
        (_, submitted), (_, queued) = asyncio.run(both(service))
        assert submitted.startswith("2.0.0 OK <")
        assert queued.startswith("2.6.0 <")
        by_endpoint = {message.endpoint: message for message in service.messages}
        assert by_endpoint["submission"].auth == ("LOGIN", MOTE)
        assert by_endpoint["mx"].tls is None


def test_a_refused_sign_in():
    refused = pytest.raises(aiosmtplib.SMTPAuthenticationError, match="disabled for the Tenant")
    with serve(contoso(smtp_auth_disabled=True)) as service, refused:
        asyncio.run(submit(service))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(Stage("greeting"), Reply("554 5.7.1 No")), aiosmtplib.SMTPConnectError),
        (Fault(Stage("mail"), Reply("451 4.7.500 Server busy")), aiosmtplib.SMTPSenderRefused),
        (Fault(InData(100_000), FIN), aiosmtplib.SMTPServerDisconnected),
        (Fault(Stage("content"), FIN), aiosmtplib.SMTPServerDisconnected),
    ],
)
def test_faults_are_seen_for_what_they_are(fault, error):
    with serve(contoso(), faults=[fault], patience_s=0.001) as service:
        with pytest.raises(error):
            asyncio.run(direct(service))
        assert service.messages == []
