"""A TCP connection that may become a TLS one; every wait has an end.

A wait ends in one of four ways: data, the end of the stream, an error of the network, or its deadline. The
first two are results; the other two are raised as an exception of errors.py. Cancellation passes through.

A board has memory for one TLS connection at a time, so each waits for its turn, which ends with `close`.
"""

import asyncio
import errno

from .. import compat
from ..errors import ProtocolError, RetryLater
from ..explanations import failure
from . import names, tls

_CONNECT_TIMEOUT_MS = 60000  # lwIP gives up on a SYN after about 75 s
_EPIPE = 32  # MicroPython's errno module lacks it


class _Turn:
    """Who of all streams may speak TLS."""

    def __init__(self):
        self._holder = None
        self._over = None

    async def take(self, stream):
        while self._holder is not None:
            # A new one for each holder: CPython ties an event to the loop in which it was first waited for.
            self._over = self._over or asyncio.Event()
            await self._over.wait()
        self._holder = stream

    def give_back(self, stream):
        """End the turn of `stream`, if it is its turn."""
        if self._holder is not stream:
            return
        self._holder = None
        if self._over:
            self._over.set()
            self._over = None


_turn = _Turn()


class Stream:
    """`trial` is that of the address."""

    def __init__(self, pair, host, trial=None):
        self._pair = pair
        self._host = host
        self._trial = trial or names.Trial(host, None)

    async def read_into(self, buffer, timeout_ms):
        """Octets read into `buffer`, 0 at the end. Raises RetryLater."""
        count = await self._bounded(compat.read_into(self._pair, buffer), timeout_ms)
        if count:
            self._trial.passed()
        else:
            self._trial.failed()
        return count

    async def write(self, data, timeout_ms):
        """Write all of `data`. Raises RetryLater; the first write over TLS FixSettings, too."""
        await self._bounded(compat.write_all(self._pair, data), timeout_ms)

    async def upgrade(self, context, server_hostname, timeout_ms):
        """Make it a TLS connection, verified against `server_hostname`, when no other one is open.

        `timeout_ms` is for the wait and the handshake together; on MicroPython the handshake comes with the
        first write. Raises FixSettings or RetryLater; close the stream then, too.
        """
        deadline = compat.ticks_add(compat.ticks_ms(), timeout_ms)
        self._host = server_hostname  # from here on errors are about the one whose name is in the certificate
        try:
            await compat.wait_ms(_turn.take(self), max(timeout_ms, 1))
        except compat.Timeout:
            raise failure(RetryLater, "tls-busy", self._host)
        tls.check_room()
        self._trial.again()
        left_ms = compat.ticks_diff(deadline, compat.ticks_ms())
        self._pair = await self._bounded(compat.start_tls(self._pair, context, server_hostname), left_ms)

    def close(self):
        """Close at once; the peer is not waited for."""
        try:
            compat.close(self._pair)
        except OSError:
            pass  # it was closed already
        finally:
            _turn.give_back(self)

    async def _bounded(self, awaitable, timeout_ms):
        try:
            return await compat.wait_ms(awaitable, max(timeout_ms, 1))
        except compat.Timeout:
            fault = failure(RetryLater, "timeout", self._host)
        except (OSError, ValueError, EOFError) as error:
            fault = converted(error, self._host)
        self._trial.failed()
        raise fault


async def connect(host, port):
    """A Stream to `host`, at the first of its addresses that takes one. Raises RetryLater."""
    try:
        addresses = names.addresses(host, port)
    except (OSError, IndexError, ValueError) as error:  # it has none, or nobody can be asked
        raise failure(RetryLater, "unreachable", host, error)
    deadline = compat.ticks_add(compat.ticks_ms(), _CONNECT_TIMEOUT_MS)
    while True:
        trial = names.Trial(host, addresses[0])
        # An equal part of what is left of the time: one that is silent leaves some to the others.
        timeout_ms = compat.ticks_diff(deadline, compat.ticks_ms()) // len(addresses)
        try:
            pair = await compat.wait_ms(compat.connect(addresses.pop(0), port), max(timeout_ms, 1))
            return Stream(pair, host, trial)
        except compat.Timeout:
            fault = failure(RetryLater, "no-answer", host, port)
        except OSError as error:
            fault = converted(error, "%s port %d" % (host, port))
        trial.failed()
        if not addresses:
            raise fault


def converted(error, host):
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
