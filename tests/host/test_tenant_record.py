"""What is kept of a session: all that helps, and no secret."""

import base64
import ssl

import pytest
from cryptography import x509
from tenant_client import (
    MESSAGE,
    MOTE,
    OPS,
    PASSWORD,
    TOKEN,
    RawClient,
    base64_text,
    bdat,
    contoso,
    signed_in,
    transaction,
    xoauth2,
)

from mailmote_host.tenant import Authority, serve
from mailmote_host.tenant.record import redacted
from mailmote_host.tenant.rules import MxRules

WRONG = "canary-wrong-password"


def forms(secret: str) -> list[str]:
    """The secret as it may appear, plain and in base64 at each alignment."""
    found = [secret]
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + secret.encode()).decode()
        found.append(coded[4:-4] if shift else coded[:-4])
    return found


def test_the_transcript_tells_the_dialogue_and_hides_the_sign_in():
    with serve(contoso()) as service, signed_in(service) as client:
        client.send(f"MAIL FROM:<{MOTE}>", "RCPT TO:<nobody@@x>", f"RCPT TO:<{OPS}>", *bdat(MESSAGE), "QUIT")
        client.replies(5)
        [session] = service.wait_for_endings(1)
    assert session.said("C") == [
        "EHLO mote.contoso.example",
        "STARTTLS",
        "EHLO mote.contoso.example",
        "AUTH LOGIN ***",
        "***",
        f"MAIL FROM:<{MOTE}>",
        "RCPT TO:<nobody@@x>",
        f"RCPT TO:<{OPS}>",
        f"BDAT {len(MESSAGE)} LAST",
        f"<{len(MESSAGE)} octets of message>",
        "QUIT",
    ]
    assert session.said("S")[-1] == "221 2.0.0 Service closing transmission channel"
    assert "250-CHUNKING" in session.said("S")
    assert (session.helo, session.auth, session.ending) == (
        "mote.contoso.example",
        ("LOGIN", MOTE),
        "the client said QUIT",
    )
    assert session.received_octets > len(MESSAGE)


def test_no_secret_is_kept_however_it_was_sent():
    blob = base64_text(f"\0{MOTE}\0{PASSWORD}")
    lines = [
        f"AUTH PLAIN {blob}",
        blob,
        f"AUTH {base64_text(PASSWORD)}",
        f"AUTH LOGIN {base64_text(MOTE)}",
        base64_text(WRONG),
        f"AUTH LOGIN {base64_text(PASSWORD)}",
        "*",
        xoauth2(MOTE, "canary-expired-token"),
        PASSWORD,
        base64_text(PASSWORD),
        WRONG,
        f"NOOP {PASSWORD} {base64_text(PASSWORD)}",
        f"NOOP {TOKEN} {base64_text(TOKEN)}",
        xoauth2(MOTE, TOKEN),
    ]
    with serve(contoso()) as service, RawClient(service.submission) as client:
        client.greet()
        client.secure(service.ca_pem)
        client.ask("EHLO mote")
        for line in lines:
            client.ask(line)
        client.send(*transaction())
        client.replies(3)
        [session] = service.sessions
        kept = "\n".join([repr(session), repr(service.messages), repr(service.tenant), service.account()])
        assert session.auth == ("XOAUTH2", MOTE)
    for secret in (PASSWORD, TOKEN, WRONG, "canary-expired-token"):
        for form in forms(secret):
            assert form not in kept
    assert "4.9 degrees" not in kept
    assert "canary" not in kept


def test_a_secret_is_cut_out_however_long_the_line_and_an_empty_one_does_nothing():
    assert redacted(WRONG, ["", WRONG]) == "***"
    assert redacted(f"<{base64_text(WRONG)}> {WRONG}", [WRONG, WRONG * 100]) == "<***> ***"


def test_waiting_tells_what_was_seen_instead():
    with serve(contoso()) as service, RawClient(service.mx) as client:
        client.greet()
        with pytest.raises(
            TimeoutError, match=r"(?s)not within 0.01 s.*0 messages.*still open.*C: EHLO mote"
        ):
            service.wait_for(1, timeout_s=0.01)
        client.send(*transaction())
        [message] = service.wait_for(1)
        assert message.session is service.sessions[0]
        assert service.wait_for(lambda seen: seen.messages[0].recipients == [OPS]) == [message]


def test_a_message_is_there_before_the_client_hears_so():
    with serve(contoso()) as service, RawClient(service.mx) as client:
        client.greet()
        for number in range(1, 50):
            client.send(*transaction())
            client.replies(3)
            assert len(service.messages) == number


def test_a_transaction_that_came_to_nothing_is_kept_with_its_session_only():
    with serve(contoso(), patience_s=0) as service, RawClient(service.mx) as client:
        client.greet()
        client.ask(f"MAIL FROM:<{MOTE}> SIZE=20")
        client.ask("RSET")
        client.send(*transaction(message=b"no author\r\n"))
        client.replies(3)
        first, second = service.sessions[0].transactions
        assert (first.parameters, first.result, first.accepted) == ({"SIZE": "20"}, "", False)
        assert second.result.startswith("550 5.7.512")
        assert second.data == b"no author\r\n"
        assert service.messages == []


def test_a_failure_of_the_tenant_itself_is_not_silent(monkeypatch):
    def fail(self, *_):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(MxRules, "recipient", fail)
    with pytest.raises(RuntimeError, match="the tenant failed in a session") as caught:
        _provoke()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def _provoke():
    with serve(contoso()) as service, RawClient(service.mx) as client:
        client.greet()
        client.send(*transaction())
        assert client.rest() == b""


def test_two_authorities_do_not_trust_each_other_and_a_process_has_one():
    with serve(contoso()) as one, serve(contoso()) as two, serve(contoso(), authority=Authority()) as three:
        assert one.ca_pem == two.ca_pem != three.ca_pem
        assert ssl.PEM_cert_to_DER_cert(one.ca_pem) == one.ca_der
        root = x509.load_der_x509_certificate(one.ca_der)
        assert root.issuer == root.subject == x509.load_der_x509_certificate(three.ca_der).subject
