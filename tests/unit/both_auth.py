"""The mechanisms of AUTH: which one is taken, and what each step says."""

from expect import equal, raises

from mailmote.errors import FixSettings, ProtocolError
from mailmote.smtp.auth import Credentials, Login, Plain, choose, decode

MOTE = Credentials("mote@contoso.test", b"canary")
USERNAME = b"bW90ZUBjb250b3NvLnRlc3Q="
PASSWORD = b"Y2FuYXJ5"
BOTH = b"AG1vdGVAY29udG9zby50ZXN0AGNhbmFyeQ=="


def test_plain_is_taken_before_login():
    for offered, mechanism in ((("LOGIN", "PLAIN"), "PLAIN"), (("XOAUTH2", "LOGIN"), "LOGIN")):
        equal(choose(offered, MOTE).name, mechanism)


def test_without_a_mechanism_for_a_password_a_person_has_to_act():
    for offered, told in (((), "AUTH: none"), (("XOAUTH2", "NTLM"), "AUTH: XOAUTH2 NTLM")):
        error = raises(FixSettings, choose, offered, MOTE)
        equal((error.key, told in str(error)), ("no-password-auth", True))


def test_plain_answers_an_empty_challenge_and_no_other():
    equal((Plain(MOTE).initial_response(), Plain(MOTE).answer(b"")), (BOTH, BOTH))
    equal(raises(ProtocolError, Plain(MOTE).answer, b"Password:").key, "malformed-reply")


def test_login_gives_the_password_at_once_only_to_who_asks_for_it():
    for challenges, answers in (
        ((b"Password:",), (PASSWORD,)),
        ((b"Username:", b"Password:"), (USERNAME, PASSWORD)),
        ((b"USER NAME", b"User"), (USERNAME, PASSWORD)),
        ((b"", b""), (USERNAME, PASSWORD)),
    ):
        login = Login(MOTE)
        equal(tuple(login.answer(challenge) for challenge in challenges), answers)


def test_login_ends_a_server_that_never_stops_asking():
    login = Login(MOTE)
    for _ in range(2):
        login.answer(b"Password:")
    equal(raises(ProtocolError, login.answer, b"Password:").key, "malformed-reply")


def test_a_challenge_is_base64():
    equal(decode("VXNlcm5hbWU6"), b"Username:")
    equal(decode(""), b"")
    equal(raises(ProtocolError, decode, "A").key, "malformed-reply")
