"""A PEM file with CA certificates becomes the DER of each; what is damaged is never left out silently."""

from expect import equal, raises

from mailmote.net.bundle import certificates

BEGIN = b"-----BEGIN CERTIFICATE-----\n"
END = b"-----END CERTIFICATE-----\n"
ONE = [BEGIN, b"b25l\n", END]  # "one"
TWO = [BEGIN, b"dHdv\n", b"dHdv\n", END]


def read(*lines):
    return list(certificates(lines))


def test_each_certificate_by_itself():
    equal(read(*ONE), [b"one"])
    equal(read(*(ONE + TWO + ONE)), [b"one", b"twotwo", b"one"])


def test_what_stands_around_them_is_let_be():
    equal(read(b"# root\n", b"\n", *(ONE + [b"subject=/CN=x\n", b"b25l\n"] + TWO)), [b"one", b"twotwo"])
    equal(read(*[line.replace(b"\n", b" \r\n") for line in ONE]), [b"one"])
    equal(read(*(ONE[:-1] + [END.strip()])), [b"one"])


def test_a_key_or_a_request_is_no_certificate():
    key = b"-----BEGIN PRIVATE KEY-----\n", b"b25l\n", b"-----END PRIVATE KEY-----\n"
    equal(read(*(list(key) + ONE)), [b"one"])
    equal(str(raises(ValueError, read, *key)), "it holds no certificate")


def test_no_certificate_and_half_a_one_are_told():
    for lines, why in (
        ((), "it holds no certificate"),
        ((b"\x30\x82\x03\x8e\n",), "it holds no certificate"),
        (ONE[:-1], "a certificate in it has no end"),
        (ONE + TWO[:-1], "a certificate in it has no end"),
        (ONE[:-1] + TWO, "a certificate in it has no end"),
    ):
        equal(str(raises(ValueError, read, *lines)), why)


def test_what_is_not_base64_is_told():
    raises(ValueError, read, BEGIN, b"b25\n", END)
