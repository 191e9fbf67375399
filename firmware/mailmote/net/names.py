"""The addresses of the servers, kept between connections: each look-up blocks the board, and DNS may be down.

getaddrinfo tells no time to live. Ten minutes bound how long the board goes on to an address that was taken
out of DNS and still answers, as names of Microsoft's services live for some minutes; one that does not answer
is dropped at once, and where none is left the next connection asks anew. When a look-up fails, the address
that worked last is used, however old it is. TLS verifies the name of the server all the same, so a wrong
address costs a failed attempt.
"""

import errno

from .. import compat
from ..compat import const

_KEPT_NAMES = const(4)  # three mail servers and the sign-in service
_KEPT_ADDRESSES = const(4)  # of a name: each has its part of the time for a connection
_FRESH_MS = const(600000)

_names = []  # the one asked for last is the last


class _Name:
    def __init__(self, host):
        self.host = host
        self.addresses = []
        self.asked = compat.ticks_ms()
        self.worked = None  # the address that worked last


def addresses(host, port):
    """The addresses to try for `host`, best first. Blocks where it looks the name up.

    Raises OSError, IndexError or ValueError where it is not found.
    """
    if _is_address(host):
        return [host]
    name = _kept(host)
    # Ticks wrap: what seems to be asked in the future is old.
    if not name.addresses or not 0 <= compat.ticks_diff(compat.ticks_ms(), name.asked) < _FRESH_MS:
        try:
            found = compat.look_up(host, port)
            if not found:
                raise OSError(errno.ENOENT, "the name has no address")
        except (OSError, IndexError, ValueError):
            if name.worked is None:
                raise
            return [name.worked]
        if name.worked in found:
            found.remove(name.worked)
            found.insert(0, name.worked)
        name.addresses = found[:_KEPT_ADDRESSES]
        name.asked = compat.ticks_ms()
    return list(name.addresses)


class Trial:
    """An address on trial: it works once something has come from there; a failure before that drops it."""

    def __init__(self, host, address):
        self._host = host
        self._address = address
        self._open = True

    def again(self):
        """What came so far proves nothing: TLS begins."""
        self._open = True

    def passed(self):
        if self._open:
            self._open = False
            for name in _names:
                if name.host == self._host:
                    name.worked = self._address

    def failed(self):
        if self._open:
            self._open = False
            for name in _names:
                if name.host == self._host and self._address in name.addresses:
                    name.addresses.remove(self._address)


def _is_address(host):
    return ":" in host or host.replace(".", "").isdigit()


def _kept(host):
    for name in _names:
        if name.host == host:
            _names.remove(name)
            break
    else:
        name = _Name(host)
    _names.append(name)
    if len(_names) > _KEPT_NAMES:
        _names.pop(0)
    return name
