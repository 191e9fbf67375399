"""The dialogue before the mail: greetings, EHLO lists, STARTTLS, and what a client gets wrong."""

import re
import socket
import ssl
import time

import pytest
from tenant_client import MOTE, OPS, RawClient, contoso, signed_in, transaction

from mailmote_host.tenant import Authority, serve
from mailmote_host.tenant.service import PortUnusable

SUFFIX = r" \[\S+\.outlook\.(office365\.)?com \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [0-9A-F]{16}\]"

BEFORE_TLS = ["SIZE 157286400", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "STARTTLS"]
SIGN_IN = ["SIZE 157286400", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "AUTH LOGIN XOAUTH2"]
AT_MX = ["SIZE 157286400", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES"]
REST = ["8BITMIME", "BINARYMIME", "CHUNKING", "SMTPUTF8"]


@pytest.fixture(scope="module")
def service():
    with serve(contoso(), patience_s=0.001) as running:
        yield running


def keywords(reply: str) -> list[str]:
    return [line[4:] for line in reply.split("\n")[1:]]


def test_the_new_front_end_greets_without_its_name(service):
    with RawClient(service.submission) as client:
        assert client.reply() == "220 outlook.office365.com Microsoft ESMTP ready"


def test_the_old_front_end_and_the_mx_greet_with_name_date_and_number():
    date = r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} \+0000"
    greeting = rf"220 \S+%s Microsoft ESMTP MAIL Service ready at {date} \[[0-9A-F]{{16}}\]"
    with serve(contoso(), stack="old") as service:
        with RawClient(service.submission) as client:
            assert re.fullmatch(greeting % r"\.outlook\.office365\.com", client.reply())
        with RawClient(service.mx) as client:
            assert re.fullmatch(greeting % r"\.mail\.protection\.outlook\.com", client.reply())


def test_ehlo_lists_and_their_order_before_and_after_tls(service):
    with RawClient(service.submission) as client:
        hello = client.greet()
        assert re.match(r"250-\S+\.outlook\.office365\.com Hello \[127\.0\.0\.1\]\n", hello)
        assert keywords(hello) == BEFORE_TLS + REST
        assert client.secure(service.ca_pem) in ("TLSv1.2", "TLSv1.3")
        assert keywords(client.ask("EHLO mote")) == SIGN_IN + REST
    with RawClient(service.mx) as client:
        assert keywords(client.greet()) == BEFORE_TLS + REST
        client.secure(service.ca_pem, "contoso-example.mail.protection.outlook.com")
        assert keywords(client.ask("EHLO mote")) == AT_MX + REST


@pytest.mark.parametrize("name", ["smtp.office365.com", "outlook.office365.com", "localhost", "127.0.0.1"])
def test_the_submission_certificate_has_each_name(service, name):
    with RawClient(service.submission) as client:
        client.greet()
        assert client.secure(service.ca_pem, name)


def test_helo_gets_one_line_and_no_extension(service):
    with RawClient(service.mx) as client:
        client.reply()
        assert re.fullmatch(r"250 \S+ Hello \[127\.0\.0\.1\]", client.ask("HELO mote"))
        assert client.ask(f"MAIL FROM:<{MOTE}> SIZE=10").startswith("501 5.5.4")


@pytest.mark.parametrize(
    ("commands", "reply"),
    [
        (["MAIL FROM:<a@b.example>"], "503 5.5.2 Send hello first"),
        (["EHLO"], "501 5.5.4 Invalid domain name"),
        (["EHLO x", "RCPT TO:<ops@contoso.example>"], "503 5.5.2 Need mail command"),
        (["EHLO x", "DATA"], "503 5.5.2 Need mail command"),
        (["EHLO x", "MAIL FROM:<a@b.example>", "DATA"], "503 5.5.2 Need rcpt command"),
        (
            ["EHLO x", "MAIL FROM:<a@b.example>", "MAIL FROM:<a@b.example>"],
            "503 5.5.2 Sender already specified",
        ),
        (["EHLO x", "MAIL FROM:<a@b.example>", "EHLO x", "MAIL FROM:<a@b.example>"], "250 2.1.0"),
        (["EHLO x", "MAIL FROM:<a@b.example>", "RSET", "MAIL FROM:<a@b.example>"], "250 2.1.0"),
        (["EHLO x", "MAIL FROM: <a@b.example>"], "250 2.1.0"),
        (["EHLO x", "mail from:<a@b.example> body=8bitmime size=1"], "250 2.1.0"),
        (["EHLO x", "MAIL FROM:<>"], "250 2.1.0"),
        (["EHLO x", "MAIL FROM:a@b.example"], "501 5.1.7 Invalid address"),
        (["EHLO x", "MAIL FROM:<a@b.example> NONSENSE=1"], "501 5.5.4 Invalid arguments"),
        (["EHLO x", "MAIL FROM:<a@b.example> SIZE=ten"], "501 5.5.4 Invalid arguments"),
        (["EHLO x", "MAIL FROM:<a@b.example> SIZE=157286401"], "552 5.3.4"),
        (["EHLO x", "MAIL FROM:<a@b.example> BODY=8BITMIME SIZE=9 RET=HDRS ENVID=1"], "250 2.1.0"),
        (["EHLO x", "MAIL FROM:<a@b.example> SMTPUTF8"], "502 5.3.3 Command not implemented"),
        (["EHLO x", "MAIL FROM:<\u03b1@b.example>"], "501 5.1.7 Invalid address"),
        (["EHLO x", "MAIL FROM:<a@b.example>", "RCPT TO:<>"], "501 5.1.3 Invalid address"),
        (["EHLO x", "MAIL FROM:<a@b.example>", f"RCPT TO:<{OPS}> NOTIFY=NEVER"], "250 2.1.5"),
        (["EHLO x", "MAIL FROM:<a@b.example>", f"RCPT TO:<{OPS}> SIZE=1 X"], "501 5.5.4"),
        (["EHLO x", "NOOP"], "250 2.0.0 OK"),
        (["EHLO x", "FROB"], "500 5.3.3 Unrecognized command 'unknown'"),
        (["EHLO x", "AUTH LOGIN"], "504 5.7.4 Unrecognized authentication type"),
        (["STARTTLS"], "503 5.5.2 Send hello first"),
        (["EHLO x", "STARTTLS now"], "501 5.5.4 Invalid arguments"),
        (["QUIT"], "221 2.0.0 Service closing transmission channel"),
    ],
)
def test_a_sequence_of_commands_ends_in_its_reply(service, commands, reply):
    with RawClient(service.mx) as client:
        client.reply()
        last = ""
        for command in commands:
            last = client.ask(command)
        assert last.startswith(reply)
        assert re.fullmatch(r"[^\[\]]+(" + SUFFIX + ")?", last)


def test_the_old_front_end_takes_smtputf8():
    with serve(contoso(), stack="old", patience_s=0) as service, RawClient(service.mx) as client:
        client.greet()
        assert client.ask("MAIL FROM:<\u03b1\u03b2@b.example> SMTPUTF8").startswith("250")
        client.ask(f"RCPT TO:<{OPS}>")
        client.send(*transaction()[2:])
        assert client.reply().startswith("250")
        assert service.messages[0].mail_from == "\u03b1\u03b2@b.example"


@pytest.mark.parametrize(
    ("hidden", "command", "reply"),
    [
        ("CHUNKING", "BDAT 0 LAST", "500 5.3.3"),
        ("STARTTLS", "STARTTLS", "500 5.3.3"),
        ("8BITMIME", "MAIL FROM:<a@b.example> BODY=8BITMIME", "501 5.5.4"),
        ("SIZE", "MAIL FROM:<a@b.example> SIZE=1", "501 5.5.4"),
        ("DSN", "MAIL FROM:<a@b.example> RET=FULL", "501 5.5.4"),
        ("PIPELINING", "MAIL FROM:<a@b.example>", "250 2.1.0"),
    ],
)
def test_a_hidden_extension_is_neither_listed_nor_there(hidden, command, reply):
    with serve(contoso(), hide={hidden}) as service, RawClient(service.mx) as client:
        offered = [line.split()[0] for line in keywords(client.greet())]
        assert offered == [word for word in (line.split()[0] for line in BEFORE_TLS + REST) if word != hidden]
        assert client.ask(command).startswith(reply)


def test_hidden_auth_is_not_listed_after_tls():
    with serve(contoso(), hide={"AUTH"}) as service, RawClient(service.submission) as client:
        client.greet()
        client.secure(service.ca_pem)
        assert keywords(client.ask("EHLO mote")) == AT_MX + REST
        assert client.ask("AUTH LOGIN").startswith("500 5.3.3")


def test_a_server_without_ehlo_has_helo():
    with serve(contoso(), hide={"EHLO"}) as service, RawClient(service.mx) as client:
        client.reply()
        assert client.ask("EHLO mote") == "502 5.3.3 Command not implemented"
        assert client.ask("MAIL FROM:<a@b.example>").startswith("503")
        assert client.ask("HELO mote").startswith("250 ")
        assert client.ask("MAIL FROM:<a@b.example>").startswith("250")


def test_keywords_in_lower_case():
    with serve(contoso(), lower_case=True) as service, RawClient(service.mx) as client:
        assert keywords(client.greet()) == [line.lower() for line in BEFORE_TLS + REST]
        assert client.ask("MAIL FROM:<a@b.example> SIZE=1").startswith("250")


def test_replies_that_drip_are_whole():
    with serve(contoso(), drip_s=0) as service, RawClient(service.mx) as client:
        assert keywords(client.greet()) == BEFORE_TLS + REST
        client.secure(service.ca_pem, "localhost")
        assert keywords(client.ask("EHLO mote")) == AT_MX + REST


def test_commands_in_the_clear_behind_starttls_are_dropped(service):
    with RawClient(service.submission) as client:
        client.greet()
        client.secure(service.ca_pem, before=b"EHLO injected\r\nMAIL FROM:<evil@contoso.example>\r\n")
        assert client.ask("NOOP").startswith("250")
        assert client.ask("MAIL FROM:<a@b.example>").startswith("503 5.5.2 Send hello first")


def test_tls_begins_a_new_dialogue_and_only_once(service):
    with RawClient(service.submission) as client:
        client.greet()
        client.secure(service.ca_pem)
        client.ask("EHLO mote")
        assert client.ask("STARTTLS").startswith("503 5.5.2 TLS is already in use")


def test_a_client_that_does_not_trust_the_authority_is_told_of_in_the_ending(service):
    with RawClient(service.submission) as client:
        client.greet()
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            client.secure(ca_pem=Authority().root_pem)
    session = service.sessions[-1]
    service.wait_for(lambda _: session.ending)
    assert "ALERT_UNKNOWN_CA" in session.ending


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_tls_1_1_is_refused(service):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(service.submission, 20) as plain:
        for line in (b"EHLO mote\r\n", b"STARTTLS\r\n"):
            plain.recv(4096)
            plain.sendall(line)
        assert plain.recv(4096).startswith(b"220 2.0.0")
        with pytest.raises(ssl.SSLError):
            context.wrap_socket(plain)


def test_silence_ends_the_session_with_a_reply():
    with serve(contoso(), idle_s=0.05) as service, RawClient(service.mx) as client:
        client.reply()
        assert re.fullmatch("451 4.7.0 Timeout waiting for client input" + SUFFIX, client.reply())
        assert client.rest() == b""
        assert service.sessions[0].ending == "the client was silent for too long"


def test_a_line_without_end_is_refused(service):
    with RawClient(service.mx) as client:
        client.greet()
        client.send(b"x" * 20000)
        assert client.reply().startswith("500 5.5.2 Line too long")
        assert client.rest() == b""


def test_a_lone_lf_ends_no_command(service):
    with RawClient(service.mx) as client:
        client.greet()
        assert client.ask(b"NOOP\nMAIL FROM:<a@b.example>\n\r\n").startswith("500")
        assert client.ask("RCPT TO:<ops@contoso.example>").startswith("503 5.5.2 Need mail command")


def test_delays_follow_the_factor():
    with serve(contoso(), delays=0.01) as service, RawClient(service.submission) as client:
        client.greet()
        asked = time.monotonic()
        assert client.ask("FROB").startswith("500 5.3.3")
        assert time.monotonic() - asked >= 0.05  # a hundredth of 5 s


def test_a_busy_port_is_told_with_the_fix_and_leaves_nothing_behind(service):
    with serve(contoso()) as other:
        free = other.submission.port
    busy = service.mx.port
    with pytest.raises(PortUnusable) as caught, serve(contoso(), submission_port=free, mx_port=busy):
        pass
    assert str(caught.value) == (
        f"port {busy} on 127.0.0.1 is taken by another program: choose another port with --mx-port, "
        "or stop that program"
    )
    with serve(contoso(), submission_port=free) as again:
        assert again.submission.port == free


def test_an_address_that_is_not_ours_is_told():
    with (
        pytest.raises(PortUnusable, match="cannot listen on 192.0.2.1 port 0"),
        serve(contoso(), host="192.0.2.1"),
    ):
        pass


def test_a_slow_reply_ends_when_the_client_has_gone():
    with serve(contoso(), drip_s=0.3) as service:
        RawClient(service.mx).__exit__()
        [session] = service.wait_for_endings(1)
        assert session.sent_octets < 20


def test_a_signed_in_client_does_not_sign_in_twice(service):
    with signed_in(service) as client:
        assert client.ask("AUTH LOGIN").startswith("503 5.5.2 Already authenticated")
