"""Cases of the hostile matrix that are about SMTP: what a server says, and what must not be said to it."""

import itertools
from collections.abc import Callable

from hostile_behaviours import (
    IMPATIENT,
    asks_again_and_again,
    cut,
    dripping,
    endless,
    leaves_at_each_stage,
    silence,
    silent_instead_of_tls,
)
from hostile_case import (
    DELIVERED,
    EHLO,
    IN_CLEAR,
    STARTTLS,
    Case,
    no_envelope,
    nothing_at_all,
    stage_reached,
)
from hostile_server import ANSWERS, HELLO_WITHOUT_TLS, STAGES, WITHOUT_TLS, Server, server_context, smtp
from sessions import message

_SMUGGLED = "hi\r\n.\r\nMAIL FROM:<x@y.test>\r\nRCPT TO:<z@y.test>\r\nDATA\r\n"


def _canonical(count: int, lines: list[bytes]) -> Callable[[Server], None]:
    """So many messages came whole, each with these lines and one end; nothing in them was a command."""

    def check(server: Server) -> None:
        (peer,) = server.peers
        assert len(peer.messages) == count
        for octets in peer.messages:
            assert octets.count(b"\r\n.\r\n") == 1
            assert not set(octets.replace(b"\r\n", b"")) & set(b"\r\n")
            body = octets.partition(b"\r\n\r\n")[2].removesuffix(b".\r\n")
            assert body == b"".join(line + b"\r\n" for line in lines)

    return check


def _smuggling(item: str, text: str, lines: list[bytes]) -> Case:
    """The text cut in two at each place, a message for each."""
    messages = [
        message("facilities@contoso.test", pieces=(text[:place], text[place:]))
        for place in range(len(text) + 1)
    ]
    job = IN_CLEAR | {"messages": messages}
    return Case(item, smtp(WITHOUT_TLS), (DELIVERED,), jobs=(job,), check=_canonical(len(messages), lines))


def _control_characters(item: str, told: str, words: str, place: Callable[[str], dict]) -> Case:
    """Each of them, in the place that `place` puts a text into."""
    jobs = tuple(
        IN_CLEAR | place(f"x{character}RCPT TO:<z@y.test>{character}")
        for character in ("\r\n", "\n", "\r", "\0")
    )
    nothing = nothing_at_all if item == "the EHLO host" else no_envelope
    return Case(item, smtp(WITHOUT_TLS), (told,), words, jobs, check=nothing)


def _message(*to: str, **more: object) -> dict:
    return {"messages": [message(*to, **more)]}


def _octets(*stages: str) -> int:
    """The octets of the answers at these stages."""
    return sum(len(ANSWERS[stage]) for stage in stages)


_PLAIN = len(HELLO_WITHOUT_TLS) + _octets("greeting", "MAIL", "RCPT", "DATA", "content")
_BEFORE_FINAL = _octets(*STAGES) - _octets("content")
_FINAL = b"250 2.0.0 OK <1.2@SRV.contoso.test> [Hostname=SRV.contoso.test]\r\n"
_CUT = frozenset({"ProtocolError connection-closed", "ProtocolError connection-reset"})
_MALFORMED = "ProtocolError malformed-reply"
_TOO_LONG = "ProtocolError reply-too-long"

ROWS: dict[str, tuple[Case, ...]] = {
    "CR, LF, NUL": (
        _control_characters(
            "a recipient",
            "SettingsError control-character",
            "Nothing was sent",
            lambda text: _message(text, header_to=["facilities@contoso.test"]),
        ),
        _control_characters(
            "the sender", "SettingsError header", "From", lambda text: _message(**{"from": text})
        ),
        _control_characters(
            "a header", "SettingsError header", "Subject", lambda text: _message(subject=text)
        ),
        _control_characters("a name", "SettingsError header", "From", lambda text: _message(name=text)),
        _control_characters(
            "an address in a header", "SettingsError header", "To", lambda text: _message(text)
        ),
        _control_characters(
            "the EHLO host",
            "SettingsError control-character",
            "Nothing was sent",
            lambda text: {"client_name": text},
        ),
    ),
    "Smuggling": (
        _smuggling(
            "a dot alone and commands",
            _SMUGGLED,
            [b"hi", b"..", b"MAIL FROM:<x@y.test>", b"RCPT TO:<z@y.test>", b"DATA"],
        ),
        _smuggling("leading dots", ".\n..\n.x\n", [b"..", b"...", b"..x"]),
        _smuggling("bare LF", "a\n.\nb\n", [b"a", b"..", b"b"]),
        _smuggling("bare CR", "a\r.\rb\r", [b"a", b"..", b"b"]),
        _smuggling("mixed ends", "a\n.\r\nb\r\n.\rc\n\r", [b"a", b"..", b"b", b"..", b"c", b""]),
    ),
    "Long reply": (
        Case(
            "20 MB without LF, greeting",
            smtp({"greeting": endless(b"220 " + b"x" * 65532, 20_000_000)}),
            (_TOO_LONG,),
            "a line of more than 4096 octets",
            in_clear=b"",
        ),
        Case(
            "the same, in TLS",
            smtp({"EHLO over TLS": endless(b"250 " + b"x" * 65532, 20_000_000)}, server_context()),
            (_TOO_LONG,),
            "a line of more than 4096 octets",
            in_clear=EHLO + STARTTLS,
        ),
    ),
    "Endless 250-": (
        Case(
            "to EHLO",
            smtp({"EHLO": endless(b"250-more\r\n" * 1000, 20_000_000, b"250 STARTTLS\r\n")}),
            (_TOO_LONG,),
            "a reply of more than 64 lines or 8192 octets",
            in_clear=EHLO,
        ),
        Case(
            "the final reply",
            smtp(WITHOUT_TLS | {"content": endless(b"250-more\r\n" * 1000, 20_000_000, b"250 OK\r\n")}),
            (_TOO_LONG,),
            "a reply of more than 64 lines or 8192 octets",
            (IN_CLEAR,),
        ),
    ),
    "Slow drip": (
        Case(
            "of octets, greeting",
            smtp({"greeting": dripping(b"220 ", b"x", b"\r\n")}),
            ("RetryLater timeout",),
            jobs=(IMPATIENT,),
            in_clear=b"",
        ),
        Case(
            "of lines, EHLO",
            smtp({"EHLO": dripping(b"250-mail.contoso.test\r\n", b"250-\r\n", b"250 STARTTLS\r\n")}),
            ("RetryLater timeout",),
            jobs=(IMPATIENT,),
            in_clear=EHLO,
        ),
        Case(
            "of octets, in TLS",
            smtp({"EHLO over TLS": dripping(b"250 ", b"x", b"\r\n")}, server_context()),
            ("RetryLater timeout",),
            jobs=(IMPATIENT,),
            check=stage_reached(STARTTLS),
        ),
    ),
    "Silent server": tuple(
        Case(item, behave, ("RetryLater timeout",), jobs=(IMPATIENT,), check=stage_reached(*reached))
        for item, behave, reached in (
            ("before the greeting", smtp({"greeting": silence}), ()),
            ("after EHLO", smtp({"EHLO": silence}), (EHLO,)),
            ("in the handshake", smtp({"STARTTLS": silent_instead_of_tls}), (STARTTLS, b"\x16\x03")),
            ("in TLS, after EHLO", smtp({"EHLO over TLS": silence}, server_context()), (STARTTLS,)),
            ("in TLS, after the dot", smtp({"content": silence}, server_context()), (b"\r\n.\r\n",)),
        )
    ),
    "AUTH challenge": (
        Case(
            "5 MB of 334",
            smtp({"AUTH": endless(b"334 " + b"VXNl" * 16383, 5_000_000)}, server_context()),
            (_TOO_LONG,),
            "a line of more than 4096 octets",
        ),
        Case(
            "not base64",
            smtp({"AUTH": b"334 A\r\n"}, server_context()),
            (_MALFORMED,),
            "its challenge is not base64",
        ),
        Case(
            "again and again",
            smtp({"AUTH": asks_again_and_again}, server_context()),
            (_MALFORMED,),
            "it asks for more than AUTH LOGIN has to say",
        ),
    ),
    "Malformed reply": (
        *(
            Case(item, smtp({"EHLO": octets}), (_MALFORMED,), words, in_clear=EHLO)
            for item, octets, words in (
                ("abc", b"abc\r\n", 'answered "abc'),
                ("empty", b"\r\n", "does not begin with a reply code"),
                ("not UTF-8 for a code", b"\xff\xfe\xfd hi\r\n", 'answered "??? hi'),
                ("codes that differ", b"250-a\r\n220 b\r\n", "have different codes"),
                ("LF alone", b"250 a\n", "does not end in CRLF"),
                ("code 999", b"999 a\r\n", "from 200 to 599"),
            )
        ),
        Case(
            "not UTF-8 behind a code: taken",
            smtp(WITHOUT_TLS | {"greeting": b"220 \xff\xfe\r\n", "content": b"250 \xff\xfe\r\n"}),
            (DELIVERED,),
            jobs=(IN_CLEAR,),
        ),
    ),
    "Refusals": (
        Case(
            "554 banner",
            smtp({"greeting": b"554 No\r\n"}),
            ("FixSettings greeting-refused",),
            "554 No",
            in_clear=b"",
        ),
        Case(
            "550 after the dot",
            smtp({"content": b"550 5.7.1 No\r\n"}, server_context()),
            ("GiveUp content-refused",),
            "550 5.7.1 No",
        ),
        Case(
            "multi-line final reply",
            smtp({"content": b"250-2.6.0 queued\r\n250-2.6.0 as 7\r\n250 2.6.0 OK\r\n"}, server_context()),
            (DELIVERED,),
        ),
        Case(
            "multi-line refusal",
            smtp({"content": b"550-5.7.1 No\r\n550 5.7.1 Never\r\n"}, server_context()),
            ("GiveUp content-refused",),
            "550 5.7.1 No Never",
        ),
        Case(
            "421 at any stage",
            leaves_at_each_stage,
            ("RetryLater service-closing",),
            "421 4.3.2 Shutting down",
            ({},) * len(STAGES),
        ),
    ),
    "FIN at each byte": (
        Case(
            "in clear",
            cut(0, smtp(WITHOUT_TLS), abruptly=False),
            (*itertools.repeat(_CUT, _PLAIN), DELIVERED),
            jobs=(IN_CLEAR,) * (_PLAIN + 1),
        ),
        Case(
            "in TLS, of the final reply",
            cut(_BEFORE_FINAL, smtp({"content": _FINAL}, server_context()), abruptly=False),
            (*itertools.repeat(_CUT, len(_FINAL)), DELIVERED),
            jobs=({},) * (len(_FINAL) + 1),
        ),
    ),
    "RST at each byte": (
        Case("in clear", cut(0, smtp(WITHOUT_TLS), abruptly=True), (_CUT,), jobs=(IN_CLEAR,) * _PLAIN),
        Case(
            "in TLS, of the final reply",
            cut(_BEFORE_FINAL, smtp({"content": _FINAL}, server_context()), abruptly=True),
            (_CUT,),
            jobs=({},) * len(_FINAL),
        ),
    ),
    "RCPT partly refused": (
        Case(
            "250, 550, 250",
            smtp({"RCPT": [ANSWERS["RCPT"], b"550 5.1.1 Unknown\r\n", ANSWERS["RCPT"]]}, server_context()),
            ("delivered, GiveUp unknown-recipient, delivered",),
            "550 5.1.1 Unknown",
            (_message("a@contoso.test", "b@contoso.test", "c@contoso.test"),),
        ),
    ),
}
