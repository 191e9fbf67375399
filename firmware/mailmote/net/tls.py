"""TLS: the one place where contexts are made, and where is looked whether a handshake can succeed at all.

Contexts verify, always. A certificate can be judged only by a clock that is right, so none is made before
the clock is set. The CA certificates are files, `ca/*.der`, one certificate each.
"""

import os

from .. import compat
from ..errors import FixSettings, RetryLater
from ..explanations import failure
from . import clock

_CA_FOLDER = "ca"

# A handshake takes so much of the ESP-IDF's heap, which is not Python's, one block of it for a TLS record.
_HANDSHAKE_BYTES = 30000
_RECORD_BLOCK_BYTES = 16717

# mbedTLS's own numbers begin here; what is nearer to zero is of the socket.
_FIRST_NUMBER = -0x1000
# ENOMEM of the socket, mbedTLS's MPI_ALLOC_FAILED and SSL_ALLOC_FAILED: the ESP-IDF's heap, not Python's.
_NO_MEMORY = (12, -16, -32512)


def context(identity=None):
    """A verifying client context. Raises RetryLater while the clock is not set, FixSettings without a CA.

    `identity` is (certificate chain, key), bytes of PEM, to be shown to a server that asks: the board's own
    certificate first, each followed by the one that signed it. Raises FixSettings for what is none.
    """
    if not clock.is_set():
        raise failure(RetryLater, "clock-not-set")
    try:
        names = [name for name in os.listdir(_CA_FOLDER) if name.endswith(".der")]
    except OSError:
        names = ()
    if not names:
        raise failure(FixSettings, "no-ca")
    try:
        made = compat.new_tls_context(_certificates(names))
    except (OSError, ValueError) as error:
        raise _unusable("ca-unusable", error)
    if identity:
        try:
            compat.show_certificate(made, *identity)
        except (OSError, ValueError) as error:
            raise _unusable("identity-unusable", error)
    return made


def _unusable(key, error):
    if _number(error) in _NO_MEMORY:
        return failure(RetryLater, "no-memory")
    return failure(FixSettings, key, error)


def _number(error):
    """The number of an OSError, or 0."""
    number = error.args[0] if isinstance(error, OSError) and error.args else 0
    return number if isinstance(number, int) else 0


def _certificates(names):
    for name in names:
        with open(_CA_FOLDER + "/" + name, "rb") as file:
            yield file.read()


def check_room():
    """Collect garbage. Raises RetryLater where the ESP-IDF's heap has no room for a handshake."""
    compat.collect()
    try:
        import esp32

        regions = esp32.idf_heap_info(esp32.HEAP_DATA)
    except (ImportError, AttributeError):
        return  # no ESP32: TLS takes what it needs from the system
    free = sum([region[1] for region in regions])
    largest = max([region[2] for region in regions])
    if free < _HANDSHAKE_BYTES or largest < _RECORD_BLOCK_BYTES:
        raise failure(RetryLater, "tls-no-room", _HANDSHAKE_BYTES, _RECORD_BLOCK_BYTES, free, largest)


def error_of(error, host):
    """The exception for an error of the TLS library, or None if `error` is not one.

    mbedTLS raises ValueError with a text for a certificate it refuses, and OSError with a large negative
    number for the rest.
    """
    number = _number(error)
    if number in _NO_MEMORY:
        return failure(RetryLater, "no-memory")
    if not (isinstance(error, ValueError) or number < _FIRST_NUMBER):
        return None
    # Its words take memory only while they are looked up.
    words = compat.borrow(__name__ + "_errors")
    return words.of_number(number, error, host) if number else words.of_certificate(str(error), host)
