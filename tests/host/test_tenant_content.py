"""The message on its way: dots, chunks, limits, and where a split may fall."""

import pytest
from tenant_client import MESSAGE, MOTE, OPS, RawClient, bdat, contoso

from mailmote_host.tenant import serve
from mailmote_host.tenant.content import DottedText, author, message_id

FROM = b"From: mote@contoso.example\r\n\r\n"

# (on the wire after the 354, up to and with the end; the message)
DOTTED = [
    (b".\r\n", b""),
    (b"\r\n.\r\n", b"\r\n"),
    (b"text\r\n.\r\n", b"text\r\n"),
    (b"..\r\n.\r\n", b".\r\n"),
    (b"..leading\r\n..again\r\n...\r\n.\r\n", b".leading\r\n.again\r\n..\r\n"),
    (b"in.the.middle.\r\n.\r\n", b"in.the.middle.\r\n"),
    (
        b"lone lf\n.\nMAIL FROM:<evil@b.example>\n.\r\n\r\n.\r\n",
        b"lone lf\n.\nMAIL FROM:<evil@b.example>\n.\r\n\r\n",
    ),
    (b"lone cr\r.\r\r\n.\r\n", b"lone cr\r.\r\r\n"),
    (b"\r\n..\r\n.\r\n", b"\r\n.\r\n"),
    (b"\xff\x00 octets\r\n.\r\n", b"\xff\x00 octets\r\n"),
]
NEXT = b"MAIL FROM:<next@b.example>\r\n.\r\n"


@pytest.mark.parametrize(("wire", "message"), DOTTED)
def test_dots_are_unstuffed_wherever_the_text_is_split(wire, message):
    whole = wire + NEXT
    for first in range(len(whole) + 1):
        for second in range(first, len(whole) + 1):
            text = DottedText(1000)
            rest = None
            for piece in (whole[:first], whole[first:second], whole[second:]):
                rest = text.feed(piece) if rest is None else rest + piece
            assert (text.unstuffed(), rest) == (message, NEXT)


def test_a_text_that_is_too_long_is_thrown_away_and_its_end_still_found():
    for size in range(1, 9):
        text = DottedText(10)
        wire = b".\r\n..\r\n.\r.\n" * 20 + b"\r\n.\r\nNOOP\r\n"
        wire = b"x" + wire
        pieces = [wire[at : at + size] for at in range(0, len(wire), size)]
        rests = [text.feed(piece) for piece in pieces]
        found = next(index for index, rest in enumerate(rests) if rest is not None)
        assert text.overflowed
        assert (rests[found] or b"") + b"".join(pieces[found + 1 :]) == b"NOOP\r\n"


def test_the_header_is_read_for_author_and_message_id():
    assert author(b'From: "A, B"\r\n <A@b.example>\r\n\r\nFrom: x@y.example\r\n') == "A@b.example"
    assert author(b"Subject: x\r\n\r\nFrom: x@y.example\r\n") is None
    assert author(b"From: nobody\r\n\r\n") is None
    assert message_id(b"message-id:  <1@b> \r\n\r\n") == "<1@b>"
    assert message_id(b"\r\nMessage-ID: <1@b>") is None


def mx_client(service) -> RawClient:
    client = RawClient(service.mx)
    client.greet()
    return client


@pytest.fixture(scope="module")
def service():
    with serve(contoso(), patience_s=0.001) as running:
        yield running


def test_data_over_the_wire_in_single_octets(service):
    body = FROM + b"..\r\n.\r\n"
    with mx_client(service) as client:
        client.send_bytewise(f"MAIL FROM:<{MOTE}>", f"RCPT TO:<{OPS}>", "DATA")
        assert [reply[:3] for reply in client.replies(3)] == ["250", "250", "354"]
        client.send_bytewise(body, "NOOP")
        assert [reply[:9] for reply in client.replies(2)] == ["250 2.6.0", "250 2.0.0"]
    assert service.messages[-1].data == FROM + b".\r\n"


def test_chunks_make_one_message(service):
    pieces = [FROM, b".\r\n.\r\n", b"", b"\r\nBDAT 5\r\n", b"QUIT\r\n"]
    with mx_client(service) as client:
        client.send(f"MAIL FROM:<{MOTE}> BODY=BINARYMIME", f"RCPT TO:<{OPS}>")
        for piece in pieces:
            client.send(*bdat(piece, last=False))
        client.send(*bdat(b"", last=True))
        replies = client.replies(8)
    assert [reply[:3] for reply in replies] == ["250"] * 8
    assert replies[2] == f"250 2.1.0 {len(FROM)} octets received"
    message = service.messages[-1]
    assert message.data == b"".join(pieces)
    assert message.parameters == {"BODY": "BINARYMIME"}


def test_a_chunk_in_lower_case_and_one_that_does_not_parse(service):
    with mx_client(service) as client:
        client.send(f"MAIL FROM:<{MOTE}>", f"RCPT TO:<{OPS}>", f"bdat {len(FROM)} last", FROM)
        assert client.replies(3)[2].startswith("250 2.6.0")
        for line in ("BDAT", "BDAT x", "BDAT -1", "BDAT 1 FIRST", "BDAT \u0661"):
            assert client.ask(line).startswith("501 5.5.4"), line


def test_a_chunk_is_read_even_where_it_is_refused(service):
    before = len(service.messages)
    with mx_client(service) as client:
        client.send(f"MAIL FROM:<{MOTE}>", "RCPT TO:<nobody@contoso.example>")
        client.send(*bdat(b"RSET\r\nQUIT\r\n", last=False), *bdat(b"QUIT\r\n"), "NOOP")
        replies = client.replies(5)
        assert [reply[:9] for reply in replies] == [
            "250 2.1.0",
            "550 5.4.1",
            "503 5.5.2",
            "503 5.5.2",
            "250 2.0.0",
        ]
        client.send("RSET", *bdat(b"NOOP\r\n"), "NOOP")
        assert [reply[:9] for reply in client.replies(3)] == ["250 2.0.0", "503 5.5.2", "250 2.0.0"]
    assert len(service.messages) == before


def test_some_recipients_refused_and_the_rest_served(service):
    with mx_client(service) as client:
        client.send(
            f"MAIL FROM:<{MOTE}>", f"RCPT TO:<{OPS}>", "RCPT TO:<nobody@contoso.example>", f"RCPT TO:<{MOTE}>"
        )
        client.send(*bdat(MESSAGE))
        assert [reply[:3] for reply in client.replies(5)] == ["250", "250", "550", "250", "250"]
    message = service.messages[-1]
    assert message.recipients == [OPS, MOTE]
    [(address, reply)] = message.refused
    assert address == "nobody@contoso.example"
    assert reply.startswith("550 5.4.1 [nobody@contoso.example]: Recipient address rejected: Access denied [")


def test_data_is_refused_after_chunks_and_for_binary(service):
    with mx_client(service) as client:
        client.send(
            f"MAIL FROM:<{MOTE}>", f"RCPT TO:<{OPS}>", *bdat(FROM, last=False), "DATA", *bdat(b"x\r\n")
        )
        assert [reply[:3] for reply in client.replies(5)] == ["250", "250", "250", "503", "250"]
        assert service.messages[-1].data == FROM + b"x\r\n"
        client.send(f"MAIL FROM:<{MOTE}> BODY=BINARYMIME", f"RCPT TO:<{OPS}>", "DATA")
        assert [reply[:3] for reply in client.replies(3)] == ["250", "250", "503"]


def test_a_message_beyond_the_size_is_read_to_its_end_and_refused():
    with serve(contoso(max_message_octets=100)) as service, RawClient(service.mx) as client:
        assert "\n250-SIZE 100\n" in client.greet()
        client.send(f"MAIL FROM:<{MOTE}>", f"RCPT TO:<{OPS}>", "DATA")
        client.replies(3)
        assert client.ask(b"x" * 70 + b"\r\n" + b"y" * 70 + b"\r\n.\r\n").startswith("552 5.3.4")
        chunks = (*bdat(b"x" * 90, last=False), *bdat(b"y" * 90, last=False), *bdat(b"z" * 90))
        client.send(f"MAIL FROM:<{MOTE}>", f"RCPT TO:<{OPS}>", *chunks)
        assert client.replies(5)[4].startswith("552 5.3.4")
        assert client.ask(f"MAIL FROM:<{MOTE}> SIZE=101").startswith("552 5.3.4")
        assert service.messages == []
        assert [len(message.data) for message in service.sessions[0].transactions] == [144, 180]


def test_a_megabyte_passes_both_ways():
    body = FROM + b"0123456789abcde\r\n" * 65536
    with serve(contoso()) as service, RawClient(service.mx) as client:
        client.greet()
        client.send(f"MAIL FROM:<{MOTE}>", f"RCPT TO:<{OPS}>", *bdat(body))
        assert client.replies(3)[2].startswith("250 2.6.0")
        client.send(f"MAIL FROM:<{MOTE}>", f"RCPT TO:<{OPS}>", "DATA")
        client.replies(3)
        assert client.ask(body + b".\r\n").startswith("250 2.6.0")
        assert [message.data for message in service.messages] == [body, body]


def test_a_client_that_has_said_all_and_closes_still_gets_its_mail_taken():
    with serve(contoso()) as service, RawClient(service.mx) as client:
        client.reply()
        client.send("EHLO mote", f"MAIL FROM:<{MOTE}>", f"RCPT TO:<{OPS}>", *bdat(MESSAGE))
        client.finish_sending()
        assert b"250 2.6.0 <1.2@contoso.example> [InternalId=" in client.rest()
        assert len(service.messages) == 1
