"""A TCP connection that may become a TLS one; every wait has an end.

A wait ends in one of four ways: data, the end of the stream, an error of the network, or its deadline. The
first two are results; the other two are raised as an exception of errors.py. Cancellation passes through.
"""

import errno

from .. import compat
from ..errors import ProtocolError, RetryLater
from ..explanations import failure
from . import tls

_CONNECT_TIMEOUT_MS = 60000  # lwIP gives up on a SYN after about 75 s
_EPIPE = 32  # MicroPython's errno module lacks it


class Stream:
    def __init__(self, pair, host):
        self._pair = pair
        self._host = host

    async def read_into(self, buffer, timeout_ms):
        """Octets read into `buffer`, 0 at the end. Raises RetryLater."""
        return await self._bounded(compat.read_into(self._pair, buffer), timeout_ms)

    async def write(self, data, timeout_ms):
        """Write all of `data`. Raises RetryLater."""
        await self._bounded(compat.write_all(self._pair, data), timeout_ms)

    async def upgrade(self, context, server_hostname, timeout_ms):
        """Make it a TLS connection, verified against `server_hostname`. Raises FixSettings or RetryLater."""
        self._pair = await self._bounded(compat.start_tls(self._pair, context, server_hostname), timeout_ms)

    def close(self):
        """Close at once; the peer is not waited for."""
        try:
            compat.close(self._pair)
        except OSError:
            pass  # it was closed already

    async def _bounded(self, awaitable, timeout_ms):
        try:
            return await compat.wait_ms(awaitable, max(timeout_ms, 1))
        except compat.Timeout:
            raise failure(RetryLater, "timeout", self._host)
        except (OSError, ValueError, EOFError) as error:
            raise _converted(error, self._host)


async def connect(host, port):
    """A Stream to `host`. Raises RetryLater."""
    try:
        return Stream(await compat.wait_ms(compat.connect(host, port), _CONNECT_TIMEOUT_MS), host)
    except compat.Timeout:
        raise failure(RetryLater, "no-answer", host, port)
    except OSError as error:
        raise _converted(error, "%s port %d" % (host, port))
    except (IndexError, ValueError) as error:  # a look-up that found nothing, or was cut short
        raise failure(RetryLater, "unreachable", host, repr(error))


def _converted(error, host):
    """The exception of errors.py for one of the socket or of the TLS library."""
    of_tls = tls.error_of(error, host)
    if of_tls:
        return of_tls
    number = abs(error.errno or 0) if isinstance(error, OSError) else 0  # negative below TLS
    if number == errno.ECONNREFUSED:
        return failure(RetryLater, "connection-refused", host)
    if number in (errno.ECONNRESET, errno.ECONNABORTED, _EPIPE) or isinstance(error, EOFError):
        return failure(ProtocolError, "connection-reset", host)
    return failure(RetryLater, "unreachable", host, error)
