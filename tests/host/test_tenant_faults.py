"""Scripted faults: each kind of point, each kind of action, and how often."""

import time
from contextlib import nullcontext, suppress

import pytest
from tenant_client import MESSAGE, MOTE, OPS, PASSWORD, RawClient, bdat, contoso, signed_in, transaction

from mailmote_host.tenant import (
    FIN,
    RST,
    Command,
    Delay,
    Fault,
    InData,
    Received,
    Replied,
    Reply,
    Stage,
    serve,
)

BUSY = Reply("451 4.7.500 Server busy")


def serving(*faults: Fault, **manners):
    return serve(contoso(), faults=faults, **{"patience_s": 0.001, **manners})


def test_a_reply_at_a_stage_takes_the_place_of_the_servers_own():
    with serving(Fault(Stage("rcpt"), BUSY)) as service, RawClient(service.mx) as client:
        client.greet()
        client.send(*transaction())
        assert client.replies(3)[1] == "451 4.7.500 Server busy"
        [attempt] = service.sessions[0].transactions
        assert (attempt.recipients, attempt.refused) == ([], [(OPS, "451 4.7.500 Server busy")])


def test_only_the_nth_of_a_stage():
    with serving(Fault(Stage("rcpt", 2), BUSY)) as service, RawClient(service.mx) as client:
        client.greet()
        recipients = [f"RCPT TO:<{OPS}>"] * 3
        client.send(f"MAIL FROM:<{MOTE}>", *recipients, *bdat(MESSAGE))
        assert [reply[:3] for reply in client.replies(5)] == ["250", "250", "451", "250", "250"]
        assert service.messages[0].recipients == [OPS, OPS]


def test_a_scripted_permission_still_takes_effect_and_a_refusal_does_not():
    said = Reply("250-first\r\n250 SIZE 1")
    faults = [Fault(Stage("ehlo"), said), Fault(Stage("mail", 1), BUSY)]
    with serving(*faults) as service, RawClient(service.mx) as client:
        assert client.greet() == "250-first\n250 SIZE 1"
        assert client.ask(f"MAIL FROM:<{MOTE}>") == "451 4.7.500 Server busy"
        assert client.ask(f"MAIL FROM:<{MOTE}>").startswith("250")


def test_a_refused_starttls_leaves_the_session_in_the_clear():
    fault = Fault(Stage("starttls"), Reply("454 4.7.0 TLS not available"))
    with serving(fault) as service, RawClient(service.submission) as client:
        client.greet()
        assert client.ask("STARTTLS").startswith("454")
        assert client.ask("NOOP").startswith("250")


def test_the_verdict_of_a_sign_in_and_its_challenge_are_stages_of_their_own():
    faults = [Fault(Stage("auth", 1), BUSY), Fault(Stage("challenge", 3), Reply(b"334 not base64\r\n"))]
    with serving(*faults) as service, RawClient(service.submission) as client:
        client.greet()
        client.secure(service.ca_pem)
        client.ask("EHLO mote")
        assert client.login(MOTE, PASSWORD) == "451 4.7.500 Server busy"
        assert service.sessions[0].auth is None
        assert client.ask("AUTH LOGIN") == "334 VXNlcm5hbWU6"
        assert client.ask("*").startswith("501")
        assert client.ask("AUTH LOGIN") == "334 not base64"


def test_the_nth_command_whatever_it_is():
    with serving(Fault(Command(3), BUSY)) as service, RawClient(service.mx) as client:
        client.greet()
        assert [client.ask("NOOP")[:3] for _ in range(3)] == ["250", "451", "250"]
    with (
        serving(Fault(Command(4), Reply("421 4.3.2 Shutting down"), FIN)) as service,
        RawClient(service.mx) as client,
    ):
        client.greet()
        client.send(f"MAIL FROM:<{MOTE}>", f"RCPT TO:<{OPS}>", "DATA")
        assert [reply[:3] for reply in client.replies(3)] == ["250", "250", "421"]
        assert client.rest() == b""


def test_the_nth_command_has_one_reply_of_the_script():
    faults = [Fault(Command(4), Reply("354 Go on")), Fault(Command(8), BUSY)]
    with serving(*faults) as service, RawClient(service.submission) as client:
        client.greet()
        client.secure(service.ca_pem)
        client.ask("EHLO mote")
        assert client.ask("AUTH LOGIN") == "354 Go on"
        assert client.ask("*").startswith("501 5.7.0")
        client.login(MOTE, PASSWORD)
        client.ask(f"MAIL FROM:<{MOTE}>")
        client.ask(f"RCPT TO:<{OPS}>")
        assert client.ask("DATA") == "451 4.7.500 Server busy"
        assert client.ask("NOOP").startswith("250")


def test_a_challenge_that_is_refused_ends_the_exchange():
    with serving(Fault(Stage("challenge"), BUSY)) as service, RawClient(service.submission) as client:
        client.greet()
        client.secure(service.ca_pem)
        client.ask("EHLO mote")
        assert client.ask("AUTH LOGIN") == "451 4.7.500 Server busy"
        assert client.ask("NOOP").startswith("250")


def test_a_refused_chunk_ends_the_transaction():
    with serving(Fault(Stage("data", 1), BUSY)) as service, RawClient(service.mx) as client:
        client.greet()
        client.send(*transaction()[:2], *bdat(MESSAGE, last=False), *bdat(b""))
        assert [reply[:3] for reply in client.replies(4)] == ["250", "250", "451", "503"]
        assert service.messages == []


def test_octets_go_out_as_they_are():
    flood = b"250-" + b"x" * 100_000 + b"\r\n"
    faults = [Fault(Stage("greeting"), Reply(b"abc\xff\n")), Fault(Stage("noop"), Reply(flood * 20), FIN)]
    with serving(*faults) as service, RawClient(service.mx) as client:
        client.send("NOOP")
        assert client.rest() == b"abc\xff\n" + flood * 20
        assert max(len(line) for line in service.sessions[0].said("S")) <= 2000


def test_a_second_reply_in_the_segment_of_the_220():
    fault = Fault(Stage("starttls"), Reply("220 ready\r\n250 injected"))
    with serving(fault) as service, RawClient(service.submission) as client:
        client.greet()
        client.send("STARTTLS")
        assert client.replies(2) == ["220 ready", "250 injected"]


@pytest.mark.parametrize(
    "stage", ["greeting", "ehlo", "starttls", "handshake", "mail", "rcpt", "data", "content", "quit"]
)
@pytest.mark.parametrize("action", [FIN, RST], ids=["fin", "rst"])
def test_the_connection_ends_at_a_stage(stage, action):
    reset = action is RST
    with serving(Fault(Stage(stage), action)) as service:
        with pytest.raises(ConnectionResetError) if reset else nullcontext(), RawClient(service.mx) as client:
            client.reply()
            commands = ["STARTTLS"] if stage in ("starttls", "handshake") else [*transaction()[:2], "DATA"]
            for line in ("EHLO mote", *commands, MESSAGE + b".\r\n", "QUIT"):
                client.send(line)
                if not client.reply():
                    break
            assert client.rest() == b""
        assert service.messages == [] or stage == "quit"
        [session] = service.wait_for_endings(1)
        how = "reset" if reset else "closed"
        assert session.ending == f"a scripted fault {how} the connection"


def test_a_delay_comes_before_the_reply():
    with serving(Fault(Stage("noop"), Delay(0.05))) as service, RawClient(service.mx) as client:
        client.greet()
        asked = time.monotonic()
        assert client.ask("NOOP").startswith("250")
        assert time.monotonic() - asked >= 0.05


def test_a_server_that_stays_silent_can_still_be_stopped():
    with serving(
        Fault(Stage("handshake"), Delay(3600)), Fault(Stage("greeting"), Delay(3600), endpoint="mx")
    ) as service:
        silent = RawClient(service.mx)
        client = RawClient(service.submission)
        client.greet()
        assert client.ask("STARTTLS").startswith("220")
    assert [session.ending for session in service.sessions] == ["the tenant was stopped"] * 2
    for each in (silent, client):
        each.__exit__()


@pytest.mark.parametrize("octets", [0, 1, 10, 11, 12, 40])
def test_at_an_octet_received(octets):
    """EHLO x and its CRLF are 8 octets, the first NOOP ends at 14."""
    with serving(Fault(Received(octets), FIN)) as service, RawClient(service.mx) as client:
        client.send("EHLO x", *["NOOP"] * 10)
        said = client.rest().decode()
    assert said.startswith("220 ")
    assert said.count("250 SMTPUTF8") == (octets >= 8)
    assert said.count("250 2.0.0 OK") == max(0, (octets - 8) // 6)


def test_a_reply_out_of_turn_and_then_business_as_usual():
    with (
        serving(Fault(Received(10), Reply("421 4.3.2 Please hurry"))) as service,
        RawClient(service.mx) as client,
    ):
        client.reply()
        client.send("EHLO x", "NOOP")
        assert [reply[:3] for reply in client.replies(3)] == ["250", "421", "250"]


@pytest.mark.parametrize("chunking", [True, False])
@pytest.mark.parametrize("octets", [0, 1, len(MESSAGE) - 1, len(MESSAGE)])
def test_in_the_message(chunking, octets):
    with serving(Fault(InData(octets), FIN)) as service, RawClient(service.mx) as client:
        client.greet()
        if chunking:
            client.send(*transaction())
        else:
            client.send(*transaction()[:2], "DATA", MESSAGE, ".")
        said = client.rest().decode().split("\r\n")
        expected = ["250 2.1.0", "250 2.1.5", *([] if chunking else ["354 Start"]), ""]
        assert [line[:9] for line in said] == expected
        assert service.messages == []


def test_a_client_that_still_sends_sees_fin_and_no_reset():
    with serving(Fault(InData(10), FIN)) as service, RawClient(service.mx) as client:
        client.greet()
        client.send(*transaction(message=MESSAGE + b"x" * 30_000_000))
        assert client.rest().count(b"\r\n") == 2


def test_input_beyond_what_is_kept_waits_in_the_network():
    with serving(Fault(Stage("rcpt"), Delay(0.2))) as service, RawClient(service.mx) as client:
        client.greet()
        client.send(*transaction(message=MESSAGE + b"x" * 8_000_000))
        assert client.replies(3)[2].startswith("250 2.6.0")
        assert len(service.messages[0].data) == len(MESSAGE) + 8_000_000


def test_a_hello_that_comes_early_is_not_taken_for_a_command():
    with serving(Fault(Stage("handshake"), Delay(0.1))) as service, RawClient(service.submission) as client:
        client.greet()
        assert client.secure(service.ca_pem)


def test_in_the_second_message_of_a_session_and_over_chunks():
    fault = Fault(InData(len(MESSAGE) + 3), RST)
    with serving(fault) as service, RawClient(service.mx) as client:
        client.greet()
        client.send(*transaction())
        assert client.replies(3)[2].startswith("250")
        client.send(*transaction()[:2], *bdat(MESSAGE, last=False), *bdat(b"12345"))
        with pytest.raises(ConnectionResetError):
            client.rest()
        assert service.sessions[0].said("S")[-1] == f"250 2.1.0 {len(MESSAGE)} octets received"


def sessions_cut(cuts, action, secure: bool):
    """A session for each number of octets after which replies are cut: what the client got, the record.

    The last session is whole.
    """
    with serving(*(Fault(Replied(octets), action, times=1) for octets in cuts)) as service:
        for number in range(1, len(cuts) + 2):
            got = b""
            with suppress(OSError, AssertionError), RawClient(service.mx) as client:
                client.greet()
                if secure:
                    client.secure(service.ca_pem, "localhost")
                    client.ask("EHLO mote")
                client.send(*transaction(), "QUIT")
                got = client.rest()
            yield got, service.wait_for_endings(number)[-1]


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "tls"])
def whole(request):
    """A session that is not cut, and whether it is encrypted."""
    [(got, session)] = sessions_cut([], FIN, request.param)
    assert got.endswith(b"221 2.0.0 Service closing transmission channel\r\n")
    return got, session, request.param


@pytest.mark.parametrize("action", [FIN, RST], ids=["fin", "rst"])
def test_replies_are_cut_at_each_octet(whole, action):
    full, session, secure = whole
    before = session.sent_octets - len(full)
    cuts = range(0 if secure else before, session.sent_octets, 9 if secure else 1)
    *cut_short, (_, after) = sessions_cut(cuts, action, secure)
    assert after.ending == "the client said QUIT"
    for octets, (got, cut) in zip(cuts, cut_short, strict=True):
        assert cut.sent_octets == octets
        assert cut.ending.startswith("a scripted fault ")
        if action is FIN:
            lines = full[: max(0, octets - before)].split(b"\r\n")
            assert [len(line) for line in got.split(b"\r\n")] == [len(line) for line in lines]


def test_a_mail_whose_reply_is_cut_was_taken_all_the_same(whole):
    full, session, secure = whole
    final = session.sent_octets - len(full) + full.index(b"250 2.6.0")
    [(_, cut), _] = sessions_cut([final + 3], FIN, secure)
    assert [message.accepted for message in cut.transactions] == [True]


def test_a_fault_that_happens_twice_and_no_more():
    with serving(Fault(Stage("greeting"), FIN, times=2)) as service:
        for expected in ("", "", "220"):
            with RawClient(service.mx) as client:
                assert client.reply()[:3] == expected


def test_a_fault_at_an_octet_of_the_first_session_only():
    with serving(Fault(Replied(3), FIN, times=1)) as service:
        with RawClient(service.mx) as client:
            assert client.rest() == b"220"
        with RawClient(service.mx) as client:
            assert client.greet().startswith("250")


def test_a_fault_of_one_endpoint():
    with serving(Fault(Stage("greeting"), FIN, endpoint="mx")) as service:
        with RawClient(service.mx) as client:
            assert client.reply() == ""
        signed_in(service).__exit__()


def test_stopping_ends_connections_that_a_fault_left_half_open():
    with serving(Fault(Stage("greeting"), FIN)) as service:
        client = RawClient(service.mx)
        assert client.rest() == b""
    with client, pytest.raises(OSError, match="(?i)pipe|reset|aborted"):
        send_many(client)


def send_many(client):
    for _ in range(1000):
        client.send("NOOP")


def test_a_stage_that_does_not_exist_is_told():
    with pytest.raises(ValueError, match="'recipient'.* rcpt"):
        Stage("recipient")


def test_a_fault_tells_what_it_is():
    assert repr(Fault(Stage("rcpt", 2), Delay(1.5), FIN)) == (
        "Fault(Stage(name='rcpt', nth=2), Delay(seconds=1.5), Close(abruptly=False))"
    )
