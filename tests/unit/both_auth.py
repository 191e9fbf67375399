"""The mechanisms of AUTH: which one is taken, and what each step says."""

import binascii

from expect import equal, raises

from mailmote.errors import FixSettings, ProtocolError
from mailmote.smtp.auth import Login, Plain, choose, decode, in_base64
from mailmote.smtp.credentials import Bearer, Credentials

MOTE = Credentials("mote@contoso.test", b"canary")
USERNAME = b"bW90ZUBjb250b3NvLnRlc3Q="
PASSWORD = b"Y2FuYXJ5"
BOTH = b"AG1vdGVAY29udG9zby50ZXN0AGNhbmFyeQ=="


def said(pieces):
    return b"".join(pieces)


def test_plain_is_taken_before_login():
    for offered, mechanism in ((("LOGIN", "PLAIN"), "PLAIN"), (("XOAUTH2", "LOGIN"), "LOGIN")):
        equal(choose(offered, MOTE).name, mechanism)


def test_without_a_mechanism_for_a_password_a_person_has_to_act():
    for offered, told in (((), "AUTH: none"), (("XOAUTH2", "NTLM"), "AUTH: XOAUTH2 NTLM")):
        error = raises(FixSettings, choose, offered, MOTE)
        equal((error.key, told in str(error)), ("no-password-auth", True))


def test_plain_answers_an_empty_challenge_and_no_other():
    equal((said(Plain(MOTE).initial_response()), said(Plain(MOTE).answer(b""))), (BOTH, BOTH))
    equal(raises(ProtocolError, Plain(MOTE).answer, b"Password:").key, "malformed-reply")
    plain = Plain(MOTE)
    plain.answer(b"")
    equal(raises(ProtocolError, plain.answer, b"").key, "malformed-reply")


def test_login_gives_the_password_at_once_only_to_who_asks_for_it():
    for challenges, answers in (
        ((b"Password:",), (PASSWORD,)),
        ((b"Username:", b"Password:"), (USERNAME, PASSWORD)),
        ((b"USER NAME", b"User"), (USERNAME, PASSWORD)),
        ((b"", b""), (USERNAME, PASSWORD)),
    ):
        login = Login(MOTE)
        equal(tuple(said(login.answer(challenge)) for challenge in challenges), answers)


def test_login_ends_a_server_that_never_stops_asking():
    login = Login(MOTE)
    for _ in range(2):
        login.answer(b"Password:")
    equal(raises(ProtocolError, login.answer, b"Password:").key, "malformed-reply")


def test_a_challenge_is_base64():
    equal(decode("VXNlcm5hbWU6"), b"Username:")
    equal(decode(""), b"")
    equal(raises(ProtocolError, decode, "A").key, "malformed-reply")


def test_a_token_is_taken_for_xoauth2_alone():
    equal(choose(("LOGIN", "XOAUTH2"), Bearer("mote@contoso.test", b"canary")).name, "XOAUTH2")
    for offered, told in (((), "AUTH: none"), (("LOGIN", "PLAIN"), "AUTH: LOGIN PLAIN")):
        error = raises(FixSettings, choose, offered, Bearer("mote@contoso.test", b"canary"))
        equal((error.key, told in str(error)), ("no-oauth", True))


def test_a_token_of_4_kb_is_said_in_chunks_of_512_octets():
    token = b"abcdefghijklmnopqrstuvwxyz0123456789-_.~"[:37] * 110
    chunks = list(choose(("XOAUTH2",), Bearer("mote@contoso.test", token)).initial_response())
    equal(max(len(chunk) for chunk in chunks), 512)
    equal(
        binascii.a2b_base64(b"".join(chunks)),
        b"user=mote@contoso.test\x01auth=Bearer " + token + b"\x01\x01",
    )


def test_base64_in_pieces_is_that_of_the_whole():
    whole = bytes(range(256)) * 5
    for size in (0, 1, 2, 3, 4, 383, 384, 385, 1280):
        for first in range(5):
            for second in (0, 1, 2, 3, 400):
                data = whole[:size]
                pieces = (data[:first], data[first : first + second], data[first + second :])
                equal(said(in_base64(pieces)), binascii.b2a_base64(data)[:-1])


def test_neither_a_password_nor_a_token_shows():
    for shown in (repr(MOTE), repr(Bearer("mote@contoso.test", b"canary")), str(MOTE)):
        equal(("canary" in shown, "mote@contoso.test" in shown), (False, True))
