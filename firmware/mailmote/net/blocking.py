"""A TCP connection that may become a TLS one, for a caller that waits for each call.

The socket itself never waits: a call polls it until it is done or its deadline is over, so that a peer that
drips octets, in the TLS handshake as well, cannot prolong it. Small writes are gathered: each would cost a
packet and a TLS record.
"""

import errno
import select
import socket

from .. import compat
from ..errors import RetryLater
from ..explanations import failure
from . import names, tls
from .stream import converted

_SEND_BYTES = 1024


class Connection:
    def __init__(self, connection, host, trial=None):
        """`connection` is a connected socket that does not wait; `trial` is that of its address."""
        self._socket = self._plain = connection
        self._host = host
        self._trial = trial or names.Trial(host, None)
        self._buffer = memoryview(bytearray(_SEND_BYTES))
        self._filled = 0

    def read_into(self, buffer, timeout_ms):
        """Octets read into `buffer`, 0 at the end; what was gathered goes out first. Raises MailmoteError."""
        deadline = compat.ticks_add(compat.ticks_ms(), timeout_ms)
        self._flush(deadline)
        count = self._finish(compat.receive_some, buffer, deadline)
        if count:
            self._trial.passed()
        else:
            self._trial.failed()
        return count

    def write(self, data, timeout_ms):
        """Take all of `data`, bytes-like; it goes out with a full buffer or the next read.

        Raises MailmoteError.
        """
        deadline = compat.ticks_add(compat.ticks_ms(), timeout_ms)
        start = 0
        while start < len(data):
            step = min(len(data) - start, _SEND_BYTES - self._filled)
            self._buffer[self._filled : self._filled + step] = data[start : start + step]
            self._filled += step
            start += step
            if self._filled == _SEND_BYTES:
                self._flush(deadline)

    def flush(self, timeout_ms):
        """Send what was gathered. Raises MailmoteError."""
        self._flush(compat.ticks_add(compat.ticks_ms(), timeout_ms))

    def upgrade(self, context, server_hostname):
        """Make it a TLS connection, verified against `server_hostname`; the next call shakes hands.

        It cannot wait for its turn among the firmware's TLS connections: whoever has it would never get on.
        It looks for room and goes ahead. Raises MailmoteError.
        """
        tls.check_room()
        self._trial.again()
        try:
            self._socket = context.wrap_socket(
                self._socket, server_hostname=server_hostname, do_handshake_on_connect=False
            )
        except (OSError, ValueError) as error:
            raise converted(error, self._host)

    def close(self):
        """Close at once; the peer is not waited for."""
        for each in (self._socket, self._plain):  # TLS whose handshake failed has let go of the plain one
            try:
                each.close()
            except OSError:
                pass  # it was closed already

    def _flush(self, deadline):
        start = 0
        filled, self._filled = self._filled, 0
        while start < filled:
            start += self._finish(compat.send_some, self._buffer[start:filled], deadline)

    def _finish(self, operation, data, deadline):
        """The count that `operation` gives, once it has one."""
        try:
            while True:
                count = operation(self._socket, data)
                if count >= 0:
                    return count
                self._wait(select.POLLIN if count == compat.WANTS_READ else select.POLLOUT, deadline)
        except (OSError, ValueError) as error:
            self._trial.failed()
            raise converted(error, self._host)

    def _wait(self, event, deadline):
        left_ms = compat.ticks_diff(deadline, compat.ticks_ms())
        if left_ms <= 0:
            self._trial.failed()
            raise failure(RetryLater, "timeout", self._host)
        poll = select.poll()
        poll.register(self._socket, event)
        poll.poll(left_ms)


def connect(host, port, timeout_ms):
    """A Connection to the first address of `host` that takes one. Raises MailmoteError.

    `timeout_ms` is for each address; the look-up of the name waits as long as the network makes it.
    """
    try:
        addresses = names.addresses(host, port)
    except (OSError, IndexError, ValueError) as error:  # it has none, or nobody can be asked
        raise failure(RetryLater, "unreachable", host, error)
    fault = None
    for address in addresses:
        trial = names.Trial(host, address)
        try:
            return Connection(_connected(address, port, timeout_ms), host, trial)
        except OSError as error:
            fault = error
            trial.failed()
    if fault.errno in (errno.ETIMEDOUT, None):  # CPython's own time-out has no number
        raise failure(RetryLater, "no-answer", host, port)
    raise converted(fault, "%s port %d" % (host, port))


def _connected(address, port, timeout_ms):
    family, kind, protocol, _, place = socket.getaddrinfo(address, port, 0, socket.SOCK_STREAM)[0]
    connection = socket.socket(family, kind, protocol)
    try:
        connection.settimeout(timeout_ms / 1000)
        connection.connect(place)
        connection.setblocking(False)
    except OSError:
        connection.close()
        raise
    return connection
