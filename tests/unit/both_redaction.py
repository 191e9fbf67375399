"""What no text shows: secrets by their value, tokens by their shape."""

import binascii

from expect import equal

from mailmote import redaction
from mailmote.errors import FixSettings
from mailmote.redaction import hide, redacted, shortened

TOKEN = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsIng1dCI6IlBjWDk4R1g0MjBUMVg2c0JEa3poUW1xZ3dNVSJ9.eyJhdWQiOiJodHR"


def hiding(*secrets):
    """Decorates a test: it runs with these secrets hidden, and with no others."""

    def decorate(test):
        def run():
            before = list(redaction._secrets)
            redaction._secrets[:] = []
            try:
                for secret in secrets:
                    hide(secret)
                test()
            finally:
                redaction._secrets[:] = before

        return run

    return decorate


@hiding(b"canary", b"canary-2", "wifi: \u00fc", b"\xff\xfe\xfd", b"")
def test_a_secret_shows_neither_as_it_is_nor_in_base64():
    for text, shown in (
        ("canary", "***"),
        ("canary-2 and canary", "*** and ***"),
        ("it said Y2FuYXJ5LTI= twice: Y2FuYXJ5LTI=", "it said *** twice: ***"),
        ("wifi: \u00fc", "***"),
        ("//79 stays away", "*** stays away"),
        ("Canary", "Canary"),
        ("", ""),
    ):
        equal(redacted(text), shown)


@hiding("canary", b"canary", "canary")
def test_the_same_secret_is_kept_once():
    equal(len(redaction._secrets), 2)


@hiding("a+b/c d&e~f", "short a")
def test_a_secret_shows_neither_as_a_url_has_it_nor_in_several_lines():
    for text, shown in (
        ("p=a%2Bb%2Fc%20d%26e~f&x", "p=***&x"),
        ("You said a+b /c d& e~f to me", "You said *** to me"),
        ("a+ b/c d&e~f, and a+b/cd&e~f", "***, and ***"),
        ("YSti L2MgZ CZlfmY=", "***"),
        ("sho rt a", "sho rt a"),
    ):
        equal(redacted(text), shown)


@hiding("canary-password")
def test_what_is_cut_off_leaves_no_beginning_of_a_secret():
    for before in range(60):
        for secret in ("canary-password", TOKEN[:80]):
            said = shortened("." * before + secret + " and more", 40)
            equal(len(said) <= 40, True)
            equal([piece for piece in said.split(".") if piece and not "*** and more".startswith(piece)], [])
    equal(shortened("." * 600 + TOKEN, 600), "." * 600)
    # What is cut off after the token may be the beginning of another one.
    equal(shortened("x" * 500 + "," * 10 + "y" * 600, 40), "***" + "," * 10)
    equal(shortened("x" * 500 + "," * 10 + "y" * 20 + "," + "z" * 600, 40), "***" + "," * 10 + "y" * 20 + ",")
    equal(shortened("short", 40), "short")


@hiding()
def test_a_token_is_known_by_its_shape():
    run = "x" * 64
    for text, shown in (
        (run, "***"),
        (run[1:], run[1:]),
        ("a " + run, "a ***"),
        (run + " z", "*** z"),
        ("a " + run + "y" * 500 + ". z", "a ***. z"),
        (run[1:] + ", " + run[1:], run[1:] + ", " + run[1:]),
        ("-_+/=~09azAZ" * 6, "***"),
    ):
        equal(redacted(text), shown)


@hiding()
def test_a_token_in_pieces_is_known_by_their_length():
    for pieces, shown in (
        ("a" * 32 + " " + "b" * 32, "***"),
        ("a" * 32 + "." + "b" * 31, "a" * 32 + "." + "b" * 31),
        ("said " + "a" * 16 + "\r\n" + "b" * 16 + "??" + "c" * 32 + " to", "said *** to"),
        ("a" * 64 + " " + "b" * 16 + " to", "*** to"),
        ("a" * 64 + " " + "b" * 15 + " to", "*** " + "b" * 15 + " to"),
        ("a" * 15 + " " + "b" * 64, "a" * 15 + " ***"),
        ("a" * 50 + " and " + "b" * 50, "a" * 50 + " and " + "b" * 50),
        ("eyJh." + TOKEN, "eyJh.***.eyJhdWQiOiJodHR"),
    ):
        equal(redacted(pieces), shown)


@hiding()
def test_a_run_is_found_wherever_it_begins():
    for before in range(140):
        for length in (64, 65, 127, 128, 129, 200):
            equal(redacted("." * before + "t" * length + ". rest"), "." * before + "***. rest")


@hiding()
def test_no_part_of_a_token_shows_that_could_be_used():
    encoded = binascii.b2a_base64(b"user=mote@contoso.test\x01auth=Bearer " + TOKEN.encode() + b"\x01\x01")
    for text in (TOKEN, "Bearer %s, said the server" % TOKEN, encoded.decode()):
        said = redacted(text)
        equal("***" in said, True)
        equal([piece for piece in said.replace(",", ".").split(".") if len(piece) > 63], [])


@hiding()
def test_what_servers_say_stays_readable():
    for text in (
        "250 2.0.0 OK <SY5P282MB1234A1B2C3D4E5F60718293A4B5C6D7E8@SY5P282MB1234.AUSP282.PROD.OUTLOOK.COM>",
        "[SY5P282CA0097.outlook.office365.com 2026-08-28T19:45:50.437Z 08DF04C6D9A404E7]",
        "Visit https://aka.ms/smtp_auth_disabled for more information.",
        "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message",
    ):
        equal(redacted(text), text)


@hiding(b"canary-password")
def test_an_exception_holds_no_secret():
    error = FixSettings('The server answered "535 canary-password %s".' % TOKEN, "wrong-password")
    for text in (str(error), repr(error), error.text, str(error.args)):
        equal(("canary" in text, TOKEN[:70] in text, "***" in text), (False, False, True))


@hiding("x" * 520, "y" * 521)
def test_the_longest_password_is_hidden_by_value():
    equal((len(redaction._secrets), redacted("blank " + "x" * 520)), (2, "blank ***"))
