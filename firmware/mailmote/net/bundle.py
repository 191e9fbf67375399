"""The CA certificates of a program of one's own: a PEM file on the flash, with one certificate or several."""

import binascii
import errno

from .. import compat
from ..errors import FixSettings, RetryLater
from ..explanations import failure
from . import clock

_BEGIN = b"-----BEGIN CERTIFICATE-----"
_END = b"-----END CERTIFICATE-----"


def context(path):
    """A verifying client context for the certificates in the file. Raises RetryLater while the clock is not
    set, FixSettings where the file is missing or holds no certificate that can be used.
    """
    if not clock.is_set():
        raise failure(RetryLater, "clock-not-set")
    try:
        with open(path, "rb") as file:
            return compat.new_tls_context(certificates(file))
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOENT:
            raise failure(FixSettings, "no-ca")
        raise failure(FixSettings, "ca-unusable", "%s: %s" % (path, str(error).strip()))


def certificates(lines):
    """The DER of each certificate in the lines of a PEM file (RFC 7468), one at a time.

    Text around them is let be. Raises ValueError where there is none, or one is damaged.
    """
    count = 0
    body = None
    for line in lines:
        line = line.strip()
        if line == _BEGIN and body is None:
            body = b""
        elif line == _END and body is not None:
            yield binascii.a2b_base64(body)
            count += 1
            body = None
        elif line == _BEGIN:
            break
        elif body is not None:
            body += line
    if body is not None:
        raise ValueError("a certificate in it has no end")
    if not count:
        raise ValueError("it holds no certificate")
