"""Cases of the hostile matrix that are about TLS: stripped, refused, weak, forged or tampered with."""

import ssl
from collections.abc import Mapping

from hostile_behaviours import IMPATIENT, first_then, in_place_of_tls, reset_in_handshake
from hostile_case import (
    DELIVERED,
    EHLO,
    OPPORTUNISTIC,
    STARTTLS,
    Case,
    all_over_tls,
    only_the_clear_part,
    over_tls,
)
from hostile_server import ANSWERS, WITHOUT_TLS, server_context, smtp

from mailmote_host.virtual import esp32_stand_in

_ONE_OF_THESE = "it signed itself, its issuer is unknown or no CA, or an intermediate is missing"
_TLS_1_2 = ssl.TLSVersion.TLSv1_2
_LACKS_TLS = "it has no TLS 1.2 with ECDHE and AES-GCM"
_PLAINTEXT = "it does not speak TLS on this port"


def _bad_certificate(
    item: str, key: str, words: str | Mapping[str, str], kind: str = "FixSettings", **more
) -> Case:
    return Case(item, over_tls(item), (f"{kind} {key}",), words, in_clear=EHLO + STARTTLS, **more)


def _server_hello_of_tls_1_0() -> bytes:
    body = b"\x03\x01" + bytes(32) + b"\x00" + b"\x00\x2f" + b"\x00"
    handshake = b"\x02" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + len(handshake).to_bytes(2, "big") + handshake


ROWS: dict[str, tuple[Case, ...]] = {
    "STARTTLS stripped": (
        Case("EHLO without it", smtp(WITHOUT_TLS), ("FixSettings starttls-missing",), in_clear=EHLO),
        Case(
            "HELO only",
            smtp({"EHLO": b"502 5.5.1 No\r\n", "HELO": b"250 mail.contoso.test\r\n"}),
            ("FixSettings starttls-missing",),
            in_clear=EHLO + b"HELO mote.contoso.test\r\n",
        ),
        Case(
            "keyword in lower case",
            smtp({"EHLO": b"250-mail.contoso.test\r\n250 starttls\r\n"}, server_context()),
            (DELIVERED,),
            check=all_over_tls,
        ),
        Case(
            "a password and no TLS wanted",
            smtp(),
            ("FixSettings auth-needs-tls",),
            jobs=({"mail": {"tls": "none"}, "username": "mote@contoso.test", "password": "canary-password"},),
            in_clear=EHLO,
        ),
    ),
    "STARTTLS refused": tuple(
        Case(item, smtp({"STARTTLS": reply}), (told,), jobs=(job,), in_clear=EHLO + STARTTLS)
        for item, reply, told, job in (
            ("454", b"454 4.7.0 TLS not available\r\n", "RetryLater starttls-unavailable", {}),
            ("502", b"502 5.5.1 Not implemented\r\n", "FixSettings starttls-refused", {}),
            (
                "454, opportunistic",
                b"454 4.7.0 TLS not available\r\n",
                "RetryLater starttls-unavailable",
                OPPORTUNISTIC,
            ),
        )
    ),
    "TLS that fails": (
        Case(
            "plaintext after the 220",
            smtp({"STARTTLS": in_place_of_tls(b"500 5.5.1 What?\r\n")}),
            ("RetryLater tls-failed",),
            _PLAINTEXT,
            in_clear=EHLO + STARTTLS,
        ),
        Case(
            "the same, opportunistic",
            smtp({"STARTTLS": in_place_of_tls(b"500 5.5.1 What?\r\n")}),
            ("RetryLater tls-failed",),
            _PLAINTEXT,
            (OPPORTUNISTIC,),
            EHLO + STARTTLS,
        ),
        Case(
            "bad certificate, opportunistic",
            over_tls("expired"),
            ("FixSettings certificate-expired",),
            jobs=(OPPORTUNISTIC,),
            in_clear=EHLO + STARTTLS,
        ),
        Case(
            "TLS to a plaintext port",
            smtp(),
            ("RetryLater tls-failed",),
            _PLAINTEXT,
            ({"tls_at_once": True},),
            in_clear=b"",
        ),
        Case(
            "closed in the handshake",
            smtp({"STARTTLS": in_place_of_tls(b"")}),
            ("RetryLater tls-failed",),
            "closed the connection during the handshake",
            in_clear=EHLO + STARTTLS,
        ),
        Case(
            "reset in the handshake",
            smtp({"STARTTLS": reset_in_handshake}),
            ("ProtocolError connection-reset",),
            in_clear=EHLO + STARTTLS,
        ),
        Case(
            "the next attempt",
            first_then(smtp({"STARTTLS": in_place_of_tls(b"500 5.5.1 What?\r\n")}), over_tls("none")),
            ("RetryLater tls-failed", DELIVERED),
            jobs=(IMPATIENT, IMPATIENT),
        ),
        Case(
            "too little memory for it",
            over_tls("none"),
            ("RetryLater tls-no-room", DELIVERED),
            "takes 30000 bytes, 16717 in one block; free are 52000, in one block 16000",
            (
                {
                    "stand_ins": str(esp32_stand_in.__file__).rpartition("/")[0],
                    "heap_regions": [[166000, 40000, 16000, 0], [20000, 12000, 8000, 0]],
                },
                {
                    "stand_ins": str(esp32_stand_in.__file__).rpartition("/")[0],
                    "heap_regions": esp32_stand_in.Esp32.heap_regions,
                },
            ),
            check=only_the_clear_part,
        ),
    ),
    "Weak TLS": (
        Case(
            "TLS 1.0", over_tls("none", maximum=ssl.TLSVersion.TLSv1), ("RetryLater tls-failed",), _LACKS_TLS
        ),
        Case(
            "TLS 1.1",
            over_tls("none", maximum=ssl.TLSVersion.TLSv1_1),
            ("RetryLater tls-failed",),
            _LACKS_TLS,
        ),
        Case(
            "TLS 1.0 in its hello",
            smtp({"STARTTLS": in_place_of_tls(_server_hello_of_tls_1_0())}),
            ("RetryLater tls-failed",),
            "no TLS 1.2, only what is older",
            in_clear=EHLO + STARTTLS,
        ),
        Case(
            "CBC",
            over_tls("none", maximum=_TLS_1_2, ciphers="ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA"),
            ("RetryLater tls-failed",),
            _LACKS_TLS,
        ),
        Case(
            "RSA key exchange",
            over_tls("none", maximum=_TLS_1_2, ciphers="AES128-GCM-SHA256:AES256-GCM-SHA384"),
            ("RetryLater tls-failed",),
            _LACKS_TLS,
        ),
        Case(
            "TLS 1.2, ECDHE, AES-GCM: good",
            over_tls("none, with ECDSA", maximum=_TLS_1_2, ciphers="ECDHE+AESGCM"),
            (DELIVERED,),
            check=all_over_tls,
        ),
        Case(
            "the same, signed with RSA-PSS: good",
            over_tls("none", maximum=_TLS_1_2, ciphers="ECDHE+AESGCM"),
            (DELIVERED,),
            check=all_over_tls,
            not_on={"micropython": "mbedTLS with TLS 1.3 offers RSA-PSS, but refuses it in TLS 1.2"},
        ),
    ),
    "Bad certificates": (
        Case("none: a good one", over_tls("none"), (DELIVERED,), check=all_over_tls),
        _bad_certificate("expired", "certificate-expired", "has expired: the board's clock says 20"),
        _bad_certificate(
            "not yet valid",
            "certificate-not-yet-valid",
            "is not valid yet: the board's clock says 20",
            "RetryLater",
        ),
        _bad_certificate("wrong host", "certificate-wrong-host", "not made out to mail.contoso.test."),
        *(
            _bad_certificate(item, "certificate-untrusted", {"cpython": words, "micropython": _ONE_OF_THESE})
            for item, words in (
                (
                    "other CA with the same name",
                    "another CA signed it, with the name of one that the board knows",
                ),
                ("self-signed", "it signed itself"),
                ("missing intermediate", "an intermediate certificate is missing"),
                ("issuer is no CA", "its issuer is no CA"),
            )
        ),
        _bad_certificate("for clients only", "certificate-usage", "is not one for a server"),
        _bad_certificate("SHA-1", "certificate-weak", "it is signed with SHA-1 or older"),
        _bad_certificate("RSA 1024", "certificate-weak", "its key is too short"),
    ),
    "Clock unset": tuple(
        Case(
            f"{year}, then set",
            over_tls("none"),
            ("RetryLater clock-not-set", DELIVERED),
            "The clock is not set",
            ({"clock_s": clock_s}, {}),
            check=only_the_clear_part,
        )
        for year, clock_s in ((1970, 60), (2000, 946684860))
    ),
    "Response injection": (
        Case(
            "in the segment of the 220",
            smtp({"STARTTLS": ANSWERS["STARTTLS"] + b"250-evil\r\n250 AUTH PLAIN\r\n"}, server_context()),
            ("ProtocolError starttls-injection",),
            in_clear=EHLO + STARTTLS,
        ),
        Case(
            "before the server's hello",
            smtp({"STARTTLS": in_place_of_tls(b"250-evil\r\n250 AUTH PLAIN\r\n")}),
            ("RetryLater tls-failed",),
            "answers in clear",
            in_clear=EHLO + STARTTLS,
        ),
    ),
}
