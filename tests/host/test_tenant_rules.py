"""What the tenant permits: direct send, relay through connectors, Send As, quotas and throttles."""

import pytest
from tenant_client import MOTE, OPS, OUTSIDE, RawClient, bdat, contoso, matches, signed_in, transaction

from mailmote_host.tenant import Authority, Connector, Mailbox, serve, texts

ANYWHERE = Connector(networks=("192.0.2.0/24", "127.0.0.0/8"))
ELSEWHERE = Connector(networks=("203.0.113.7",))
CERTIFICATE = Connector(certificate_name="relay.contoso.example")
MX_NAME = "contoso-example.mail.protection.outlook.com"


def refused(key: str, reply: str) -> bool:
    return matches(texts.row(key), reply)


def recipient_reply(tenant, sender: str, recipient: str) -> str:
    with serve(tenant) as service, RawClient(service.mx) as client:
        client.greet()
        client.send(f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "NOOP")
        return client.replies(3)[1]


@pytest.mark.parametrize(
    ("sender", "recipient", "switches", "key"),
    [
        (MOTE, OPS, {}, None),
        (MOTE, OPS.upper(), {}, None),
        (MOTE, "nobody@contoso.example", {}, "unknown-recipient"),
        (MOTE, OUTSIDE, {}, "relay-denied"),
        (MOTE, OUTSIDE, {"connectors": [ELSEWHERE]}, "relay-denied"),
        (MOTE, OUTSIDE, {"connectors": [ELSEWHERE, ANYWHERE]}, None),
        ("x@fabrikam.example", OUTSIDE, {"connectors": [ANYWHERE]}, "relay-denied-domain"),
        ("x@fabrikam.example", OPS, {"connectors": [ANYWHERE]}, None),
        (MOTE, "nobody@contoso.example", {"connectors": [ANYWHERE]}, "unknown-recipient"),
        (MOTE, OUTSIDE, {"connectors": [CERTIFICATE]}, "relay-denied"),
        (MOTE, OPS, {"reject_direct_send": True}, "direct-send-rejected"),
        ("x@CONTOSO.example", OPS, {"reject_direct_send": True}, "direct-send-rejected"),
        ("x@fabrikam.example", OPS, {"reject_direct_send": True}, None),
        (MOTE, OPS, {"reject_direct_send": True, "connectors": [ANYWHERE]}, None),
        (MOTE, OUTSIDE, {"reject_direct_send": True}, "relay-denied"),
    ],
)
def test_the_mx_decides_at_the_recipient(sender, recipient, switches, key):
    reply = recipient_reply(contoso(**switches), sender, recipient)
    assert refused(key, reply) if key else reply == "250 2.1.5 Recipient OK"


def test_the_null_sender_is_no_direct_send():
    assert recipient_reply(contoso(reject_direct_send=True), "", OPS).startswith("250")


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.mark.parametrize(
    ("name", "relays"), [("relay.contoso.example", True), ("other.contoso.example", False)]
)
def test_a_connector_knows_the_name_in_the_client_certificate(authority, tmp_path, name, relays):
    identity = authority.identity([name])
    (tmp_path / "client.pem").write_bytes(identity.key_pem + identity.chain_pem)
    tenant = contoso(connectors=[CERTIFICATE])
    with serve(tenant, authority=authority, patience_s=0) as service, RawClient(service.mx) as client:
        client.greet()
        client.secure(service.ca_pem, MX_NAME, identity=str(tmp_path / "client.pem"))
        client.ask("EHLO mote")
        client.ask(f"MAIL FROM:<{MOTE}>")
        reply = client.ask(f"RCPT TO:<{OUTSIDE}>")
        assert reply.startswith("250") if relays else refused("relay-denied", reply)
        assert service.sessions[0].certificate_names == (name,)


def test_a_client_without_certificate_is_served_where_a_connector_asks_for_one(authority):
    with (
        serve(contoso(connectors=[CERTIFICATE]), authority=authority) as service,
        RawClient(service.mx) as client,
    ):
        client.greet()
        client.secure(service.ca_pem, MX_NAME)
        client.ask("EHLO mote")
        client.send(*transaction())
        assert client.replies(3)[2].startswith("250 2.6.0")


def test_a_certificate_of_another_authority_is_no_proof(authority, tmp_path):
    identity = Authority().identity(["relay.contoso.example"])
    (tmp_path / "client.pem").write_bytes(identity.key_pem + identity.chain_pem)
    with (
        serve(contoso(connectors=[CERTIFICATE]), authority=authority) as service,
        RawClient(service.mx) as client,
    ):
        client.greet()
        try:
            client.secure(service.ca_pem, MX_NAME, identity=str(tmp_path / "client.pem"))
            reply = client.ask("EHLO mote")  # with TLS 1.3 the refusal comes after the client's handshake
        except OSError:
            reply = ""
        assert reply == ""
        [session] = service.wait_for_endings(1)
        assert session.ending.startswith("the TLS handshake failed: ")


def test_a_network_that_does_not_parse_is_refused_early():
    with pytest.raises(ValueError, match="contoso"):
        Connector(networks=("contoso",))


def test_two_hundred_recipients_of_a_domain_are_enough():
    tenant = contoso()
    tenant.contacts = {f"ops{number}@contoso.example" for number in range(202)}
    with serve(tenant) as service, RawClient(service.mx) as client:
        client.greet()
        client.send(
            f"MAIL FROM:<{MOTE}>", *(f"RCPT TO:<ops{n}@contoso.example>" for n in range(201)), *bdat(b"")
        )
        replies = client.replies(203)
        assert {reply[:3] for reply in replies[:201]} == {"250"}
        assert refused("too-many-recipients", replies[201])


def test_a_message_without_author_is_refused_at_the_mx_only():
    bare = b"Subject: no author\r\n\r\nx\r\n"
    with serve(contoso()) as service:
        with RawClient(service.mx) as client:
            client.greet()
            client.send(*transaction(message=bare))
            assert refused("no-from-header", client.replies(3)[2])
        with signed_in(service) as client:
            client.send(*transaction(message=bare))
            assert client.replies(3)[2].startswith("250")


@pytest.mark.parametrize(
    ("envelope", "header", "allowed"),
    [
        (MOTE, MOTE, True),
        (MOTE, MOTE.upper(), True),
        ("freezer@contoso.example", "freezer@contoso.example", True),
        (MOTE, "freezer@contoso.example", True),
        ("other@contoso.example", MOTE, False),
        (MOTE, "other@contoso.example", False),
    ],
)
def test_send_as_is_decided_after_the_message(envelope, header, allowed):
    tenant = contoso()
    tenant.mailboxes[0].send_as.add("Freezer@contoso.example")
    with serve(tenant) as service, signed_in(service) as client:
        client.send(*transaction(sender=envelope, message=f"From: <{header}>\r\n\r\nx\r\n".encode()))
        mail, rcpt, content = client.replies(3)
        assert (mail[:3], rcpt[:3]) == ("250", "250")
        if allowed:
            assert content.startswith("250")
        else:
            assert refused("send-as-denied", content)
            assert f"{MOTE} not allowed to send as other@contoso.example;" in content
            assert len(content) > 512


def test_a_full_mailbox_is_refused_after_the_message():
    tenant = contoso()
    tenant.mailboxes[0].full = True
    with serve(tenant) as service, signed_in(service) as client:
        client.send(*transaction())
        assert refused("mailbox-full", client.replies(3)[2])


def test_a_mailbox_that_was_deleted_cannot_send():
    tenant = contoso()
    with serve(tenant) as service, signed_in(service) as client:
        tenant.mailboxes.clear()
        client.send(*transaction())
        assert refused("mailbox-logon-failed", client.replies(3)[2])


def test_recipients_are_counted_over_a_rolling_day():
    clock = [1_000_000.0]
    tenant = contoso(recipients_per_day=3, clock=lambda: clock[0])
    two = (f"MAIL FROM:<{MOTE}>", f"RCPT TO:<{OPS}>", f"RCPT TO:<{OUTSIDE}>", *bdat(b""))
    with serve(tenant) as service, signed_in(service) as client:

        def send() -> str:
            client.send(*two)
            return client.replies(4)[3]

        assert send().startswith("250")
        clock[0] += 86399
        assert refused("recipient-quota", send())
        clock[0] += 1
        assert send().startswith("250")


def test_the_fourth_connection_of_a_mailbox_is_refused_after_the_message():
    tenant = contoso()
    tenant.mailboxes.append(Mailbox("second@contoso.example", "another"))
    with serve(tenant) as service:
        clients = [signed_in(service) for _ in range(4)]
        other = signed_in(service, "second@contoso.example", "another")
        for client in clients:
            client.send(*transaction())
        finals = [client.replies(3)[2] for client in clients]
        assert [final[:3] for final in finals] == ["250", "250", "250", "432"]
        assert refused("concurrent-connections", finals[3])
        other.send(
            *transaction(sender="second@contoso.example", message=b"From: second@contoso.example\r\n\r\n")
        )
        assert other.replies(3)[2].startswith("250")
        assert clients[0].ask("QUIT").startswith("221")
        service.wait_for_endings(1)
        clients[3].send(*transaction())
        assert clients[3].replies(3)[2].startswith("250")
        for client in (*clients, other):
            client.__exit__()


def test_beyond_the_rate_messages_are_held_back_not_refused():
    clock = [0.0]
    tenant = contoso(messages_per_minute=2, clock=lambda: clock[0])
    with serve(tenant) as service, signed_in(service) as client:
        for moment in (0.0, 10.0, 20.0, 20.0, 20.0, 300.0):
            clock[0] = moment
            client.send(*transaction())
            assert client.replies(3)[2].startswith("250")
        assert [message.throttled_s for message in service.messages] == [0, 0, 40, 50, 100, 0]
