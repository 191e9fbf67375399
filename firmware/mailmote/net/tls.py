"""TLS: the one place where contexts are made, and where the TLS library's errors get words.

Contexts verify, always. A certificate can be judged only by a clock that is right, so none is made before
the clock is set. The CA certificates are files, `ca/*.der`, one certificate each.
"""

import os

from .. import compat
from ..errors import FixSettings, RetryLater
from ..explanations import failure
from . import clock

_CA_FOLDER = "ca"

# mbedTLS's numbers for what goes wrong in the field.
_NUMBERS = {
    -29184: "the server does not speak TLS on this port",
    -28928: "the server sent an oversized record: it may not speak TLS on this port",
    -30592: "the server ended the handshake: it accepts none of TLS 1.2 with ECDHE and AES-GCM",
    -30336: "there is no CA certificate to verify the server with",
    -31232: "the certificate is not one for a server",
    -29312: "the server closed the connection during the handshake",
}

# ENOMEM of the socket, mbedTLS's MPI_ALLOC_FAILED and SSL_ALLOC_FAILED: the ESP-IDF's heap, not Python's.
_NO_MEMORY = (12, -16, -32512)


def context():
    """A verifying client context. Raises RetryLater while the clock is not set, FixSettings without a CA."""
    if not clock.is_set():
        raise failure(RetryLater, "clock-not-set")
    try:
        names = [name for name in os.listdir(_CA_FOLDER) if name.endswith(".der")]
    except OSError:
        names = ()
    if not names:
        raise failure(FixSettings, "no-ca")
    return compat.new_tls_context(_certificates(names))


def _certificates(names):
    for name in names:
        with open(_CA_FOLDER + "/" + name, "rb") as file:
            yield file.read()


def error_of(error, host):
    """The exception for an error of the TLS library, or None if `error` is not one.

    mbedTLS raises ValueError with a text for a certificate it refuses, and OSError with a large negative
    number for the rest.
    """
    if isinstance(error, ValueError):
        return failure(FixSettings, "certificate-refused", host, str(error).strip())
    number = error.args[0] if error.args else 0
    if number in _NO_MEMORY:
        return failure(RetryLater, "no-memory")
    if isinstance(number, int) and number < -0x1000:
        words = _NUMBERS.get(number, "mbedTLS error %d" % number)
        return failure(RetryLater, "tls-failed", host, words)
    return None
