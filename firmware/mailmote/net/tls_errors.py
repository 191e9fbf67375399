"""What mbedTLS, and OpenSSL on CPython, say of a failed handshake, and what that is for the courier.

mbedTLS tells all faults of a certificate, a line each; the first row that fits counts. A certificate that
nobody vouches for may claim anything, so trust comes first.

Sources: x509.h and ssl.h of Mbed TLS 3.6; x509_txt.c of OpenSSL 3.
"""

from ..civil import stamp
from ..errors import FixSettings, RetryLater
from ..explanations import failure
from . import clock

_UNTRUSTED = "certificate-untrusted"
_WEAK = "certificate-weak"
_EXPIRED = "certificate-expired"
_TOO_EARLY = "certificate-not-yet-valid"
_OTHER_NAME = "certificate-wrong-host"
_USAGE = "certificate-usage"

_NO_ISSUER = "its issuer is unknown, or an intermediate certificate is missing"
_ANY_OF_TRUST = "it signed itself, its issuer is unknown or no CA, or an intermediate is missing"
_SHORT_KEY = "its key is too short"
_OLD_SIGNATURE = "it is signed with SHA-1 or older"

# Part of the library's text; key; what the text of that key says besides.
_CERTIFICATES = (
    ("correctly signed by the trusted CA", _UNTRUSTED, _ANY_OF_TRUST),
    ("certificate in certificate chain", _UNTRUSTED, "the board does not have the root it comes from"),
    ("signed certificate", _UNTRUSTED, "it signed itself"),
    ("issuer certificate", _UNTRUSTED, _NO_ISSUER),
    ("signature failure", _UNTRUSTED, "another CA signed it, with the name of one that the board knows"),
    ("invalid CA", _UNTRUSTED, "its issuer is no CA"),
    ("unacceptable hash", _WEAK, _OLD_SIGNATURE),
    ("digest algorithm too weak", _WEAK, _OLD_SIGNATURE),
    ("unacceptable key", _WEAK, _SHORT_KEY),
    ("key too weak", _WEAK, _SHORT_KEY),
    ("Usage does not match", _USAGE, ""),
    ("certificate purpose", _USAGE, ""),
    ("has expired", _EXPIRED, ""),
    ("in the future", _TOO_EARLY, ""),
    ("not yet valid", _TOO_EARLY, ""),
    ("does not match with the expected", _OTHER_NAME, ""),
    ("is not valid for", _OTHER_NAME, ""),
)

# mbedTLS's numbers for what goes wrong in the field.
_VERIFICATION_FAILED = -9984
_WRONG_USAGE = -31232
_NUMBERS = {
    -29184: "the server answers in clear: it does not speak TLS on this port",
    -28928: "the server sent an oversized record: it may not speak TLS on this port",
    -30592: "the server ended it: it has no TLS 1.2 with ECDHE and AES-GCM, "
    "or refuses the board's certificate",
    -28288: "the server speaks no TLS 1.2, only what is older",
    -29312: "the server closed the connection during the handshake",
    -26112: "the server sent what this board's TLS cannot take, as a signature by RSA-PSS in TLS 1.2",
}


def of_certificate(text, host):
    """The exception for a certificate of `host` that was refused with `text`."""
    for part, key, words in _CERTIFICATES:
        if part in text:
            if key in (_EXPIRED, _TOO_EARLY):
                words = stamp(clock.now_s())
            # What is too early comes right by itself, with the time.
            kind = RetryLater if key == _TOO_EARLY else FixSettings
            return failure(kind, key, host, words) if words else failure(kind, key, host)
    return failure(FixSettings, "certificate-refused", host, text.strip())


def of_number(number, error, host):
    """The exception for `error`, of that `number` of mbedTLS, in a connection with `host`."""
    if number == _WRONG_USAGE:
        return failure(FixSettings, _USAGE, host)
    if number == _VERIFICATION_FAILED:
        return failure(FixSettings, "certificate-refused", host, "mbedTLS does not say why")
    words = _NUMBERS.get(number)
    if words is None:
        words = "%s (%d)" % (error.args[1] if len(error.args) > 1 else "mbedTLS error", number)
    return failure(RetryLater, "tls-failed", host, words)
