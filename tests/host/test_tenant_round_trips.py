"""Round trips, as the server counts them: the same for a flight in one segment and in single octets.

The patience is set so long that a test would time out, and not miscount, were it ever used up where the
client is still sending; and so short where a client waits for each reply.
"""

import pytest
from tenant_client import (
    MESSAGE,
    MOTE,
    OPS,
    PASSWORD,
    RawClient,
    base64_text,
    bdat,
    contoso,
    flight,
    transaction,
)

from mailmote_host.tenant import serve

FOR_EVER_S = 100
SHORT_S = 0.02
SEVERAL = [f"ops{number}@contoso.example" for number in range(5)]


def tenant_with_several():
    tenant = contoso()
    tenant.contacts.update(SEVERAL)
    return tenant


@pytest.fixture(scope="module", params=[True, False], ids=["chunking", "pipelining"])
def chunking(request):
    return request.param


@pytest.fixture(scope="module")
def service(chunking):
    with serve(
        tenant_with_several(), hide=() if chunking else ("CHUNKING",), patience_s=FOR_EVER_S
    ) as running:
        yield running


SENDERS = [RawClient.send, RawClient.send_bytewise]


def mail(chunking, client, send, recipients) -> None:
    """A transaction with as few waits as the server's extensions allow."""
    envelope = [f"MAIL FROM:<{MOTE}>", *(f"RCPT TO:<{recipient}>" for recipient in recipients)]
    if chunking:
        send(client, *envelope, *bdat(MESSAGE))
    else:
        send(client, *envelope, "DATA")
        assert client.replies(len(envelope) + 1)[-1].startswith("354")
        send(client, MESSAGE + b".\r\n")
    while not (reply := client.reply()).startswith(("250 2.6.0", "250 2.0.0 OK")):
        assert reply.startswith("250 2.1."), reply


@pytest.mark.parametrize("send", SENDERS)
@pytest.mark.parametrize("recipients", [SEVERAL[:1], SEVERAL], ids=["one", "five"])
def test_direct_send_and_the_second_message(service, chunking, send, recipients):
    first = len(service.messages)
    with RawClient(service.mx) as client:
        client.reply()
        send(client, "EHLO mote")
        client.reply()
        mail(chunking, client, send, recipients)
        mail(chunking, client, send, recipients)
        send(client, "QUIT")
        client.reply()
    expected = [3, 1] if chunking else [4, 2]
    assert [message.round_trips for message in service.messages[first:]] == expected


@pytest.mark.parametrize("send", SENDERS)
def test_client_submission(service, chunking, send):
    first = len(service.messages)
    with RawClient(service.submission) as client:
        client.greet()
        client.secure(service.ca_pem)
        for line in ("EHLO mote", f"AUTH LOGIN {base64_text(MOTE)}", base64_text(PASSWORD)):
            send(client, line)
            client.reply()
        mail(chunking, client, send, SEVERAL)
        mail(chunking, client, send, SEVERAL)
    expected = [7, 1] if chunking else [8, 2]
    assert [message.round_trips for message in service.messages[first:]] == expected


def lockstep(client, octets=MESSAGE) -> None:
    """Wait for every reply."""
    for line in (f"MAIL FROM:<{MOTE}>", f"RCPT TO:<{OPS}>", f"RCPT TO:<{MOTE}>", "DATA"):
        assert client.ask(line)[:3] in ("250", "354")
    assert client.ask(octets + b".\r\n").startswith("250")


@pytest.mark.parametrize(("hide", "patience_s"), [((), SHORT_S), (("PIPELINING",), FOR_EVER_S)])
def test_a_client_that_waits_for_each_reply_is_seen_to_wait(hide, patience_s):
    with serve(contoso(), hide=hide, patience_s=patience_s) as service, RawClient(service.mx) as client:
        client.greet()
        lockstep(client)
        lockstep(client)
        assert [message.round_trips for message in service.messages] == [7, 5]


def test_a_client_that_waits_for_mail_only():
    with serve(contoso(), patience_s=SHORT_S) as service, RawClient(service.mx) as client:
        client.greet()
        client.ask(f"MAIL FROM:<{MOTE}>")
        client.send(*transaction()[1:])
        client.replies(2)
        assert service.messages[0].round_trips == 4


def test_chunks_in_flight_are_one_wait_and_chunks_one_by_one_are_many():
    with serve(contoso(), patience_s=FOR_EVER_S) as service, RawClient(service.mx) as client:
        client.greet()
        chunks = (*bdat(MESSAGE, last=False), *bdat(b"a\r\n", last=False), *bdat(b"b\r\n"))
        client.send_bytewise(f"MAIL FROM:<{MOTE}>", f"RCPT TO:<{OPS}>", *chunks)
        client.replies(5)
        assert service.messages[0].round_trips == 3
    with serve(contoso(), patience_s=SHORT_S) as service, RawClient(service.mx) as client:
        client.greet()
        client.send(f"MAIL FROM:<{MOTE}>", f"RCPT TO:<{OPS}>", *bdat(MESSAGE, last=False))
        client.replies(3)
        assert client.ask(*bdat(b"")).startswith("250")
        assert service.messages[0].round_trips == 4


@pytest.mark.parametrize("cut", [10, 60, 90])
def test_nothing_is_answered_inside_a_command_or_a_chunk_however_long_it_takes(cut):
    octets = flight(transaction())
    with (
        serve(contoso(), patience_s=SHORT_S) as service,
        RawClient(service.mx) as client,
    ):
        client.greet()
        client.send(octets[:cut])
        assert client.hears_nothing(within_s=5 * SHORT_S)
        client.send(octets[cut:])
        assert client.replies(3)[2].startswith("250 2.6.0")
        assert service.messages[0].round_trips == 3


def test_a_client_that_talks_on_while_it_is_answered_does_not_wait():
    with serve(contoso(), patience_s=FOR_EVER_S) as service, RawClient(service.mx) as client:
        client.reply()
        client.send("EHLO mote", b"MAIL FR")
        client.reply()
        client.send(flight(transaction()).removeprefix(b"MAIL FR"))
        client.replies(3)
        assert service.messages[0].round_trips == 2


@pytest.mark.timeout(15)
def test_the_patience_is_lost_once_and_not_at_each_command():
    with serve(contoso(), patience_s=0.3) as service, RawClient(service.mx) as client:
        client.greet()
        for _ in range(100):
            assert client.ask("RSET").startswith("250")


def test_two_messages_in_one_flight_and_a_reset_between():
    with serve(contoso(), patience_s=FOR_EVER_S) as service, RawClient(service.mx) as client:
        client.greet()
        client.send(*transaction(), *transaction(), "RSET", *transaction(), "QUIT")
        client.replies(11)
        assert [message.round_trips for message in service.messages] == [3, 1, 1]


def test_each_connection_counts_its_own():
    with serve(contoso(), patience_s=FOR_EVER_S) as service:
        with RawClient(service.mx) as one, RawClient(service.mx) as two:
            one.greet()
            two.greet()
            for client in (one, two):
                client.send(*transaction())
                client.replies(3)
        assert [message.round_trips for message in service.messages] == [3, 3]
        assert [session.round_trips for session in service.wait_for_endings(2)] == [3, 3]
