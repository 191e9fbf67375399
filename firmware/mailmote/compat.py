"""Every difference between MicroPython and CPython. Nothing else asks which one it runs on.

A connection is a pair (reader, writer) of asyncio streams; on MicroPython both are the same object, and over
TLS the plain socket stands behind them. `read_into`, `start_tls` and `wait_ms` hide that CPython's reader has
no readinto, that MicroPython makes a TLS stream by wrapping the socket, and that a timeout has another class
on each. Errors of TLS are those of MicroPython on both: ValueError with the text of a certificate's fault,
OSError with a number of mbedTLS.
"""

import asyncio
import errno
import gc
import os
import socket
import sys
import time

try:
    # What stands in const() is no name at run time: its value is in the code, and the heap is for the mail.
    from micropython import const  # pyright: ignore[reportAssignmentType]
except ImportError:

    def const(value):
        return value


MICROPYTHON = sys.implementation.name == "micropython"
VERSION = "%d.%d.%d" % sys.implementation.version[:3] if MICROPYTHON else None  # of MicroPython

_EPOCH_2000_S = 946684800  # the ESP32 port counts from 2000-01-01
_epoch_s = _EPOCH_2000_S if time.gmtime(0)[0] == 2000 else 0

Timeout = asyncio.TimeoutError

# In place of a count of octets, from a connection that never waits: wait until it can be read, or written.
WANTS_READ = -1
WANTS_WRITE = -2


def unix_time():
    """Seconds since 1970, as the board's clock has it: not set after power-on until something sets it."""
    return int(time.time()) + _epoch_s


def borrow(path):
    """The module of that full name, for its caller alone: its memory is free when the caller is done."""
    try:
        __import__(path)
        return sys.modules[path]
    finally:
        # After a MemoryError, too: MicroPython keeps a half-loaded module.
        _unload(path)


class Loan:
    """The module of that full name and what it alone imports, until the end; what was there before stays.

    The borrower has to let go of `module`, too, and of all that it made: what is in use is not free.
    """

    def __init__(self, path):
        before = set(sys.modules)
        try:
            self.module = None
            __import__(path)
            self.module = sys.modules[path]
        finally:
            self._names = [name for name in sys.modules if name not in before]
            if self.module is None:
                self.end()  # a MemoryError has left some of them, or half of one

    def end(self):
        self.module = None
        for name in self._names:
            _unload(name)


def _unload(path):
    sys.modules.pop(path, None)
    package, _, name = path.rpartition(".")
    if hasattr(sys.modules.get(package), name):
        delattr(sys.modules[package], name)


async def wait_ms(awaitable, milliseconds):
    """Await with a limit. Raises Timeout, and cancels what it waited for."""
    return await asyncio.wait_for(awaitable, milliseconds / 1000)


if MICROPYTHON:
    import select
    from time import ticks_add, ticks_diff, ticks_ms

    import tls

    _CONNECT_POLL_MS = 10

    _TLS_1_2_SUITES = (
        "TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384",
        "TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256",
        "TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384",
        "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256",
    )
    _TLS_1_3_SUITES = ("TLS1-3-AES-256-GCM-SHA384", "TLS1-3-AES-128-GCM-SHA256")

    def new_tls_context(certificates):
        """A client context that verifies, for the CA `certificates` (an iterable of DER bytes).

        mbedTLS uses only the first of several DER certificates in one call, so they are added one by one.
        The ESP32's mbedTLS knows no TLS 1.3 and refuses its names.
        """
        context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        context.verify_mode = tls.CERT_REQUIRED  # pyright: ignore[reportAttributeAccessIssue] - not in the stubs
        try:
            context.set_ciphers(_TLS_1_3_SUITES + _TLS_1_2_SUITES)
        except (OSError, ValueError):
            context.set_ciphers(_TLS_1_2_SUITES)
        for der in certificates:
            context.load_verify_locations(der)
        return context

    def show_certificate(context, chain_pem, key_pem):
        """Let `context` show this certificate to servers that ask for one. Raises ValueError."""
        context.load_cert_chain(chain_pem, key_pem)

    def look_up(host, port):
        """The addresses of a name, as text: an ESP32 has no IPv6 that leads out, so those only where all are.

        Blocks. Raises OSError, IndexError or ValueError.
        """
        rows = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
        return [_text(row[-1]) for row in rows if row[0] == socket.AF_INET] or [
            _text(row[-1]) for row in rows
        ]

    def _text(address):
        if isinstance(address, tuple):
            return address[0]
        family, octets = socket.sockaddr(address)[:2]  # pyright: ignore - the unix port's is packed
        return socket.inet_ntop(family, octets)  # pyright: ignore - and only there

    async def connect(address, port):
        """A connected pair of streams to an address that is no name. Raises OSError."""
        family, kind, protocol, _, place = socket.getaddrinfo(address, port, 0, socket.SOCK_STREAM)[0]
        plain = socket.socket(family, kind, protocol)
        try:
            plain.setblocking(False)
            try:
                plain.connect(place)
            except OSError as error:
                if error.errno != errno.EINPROGRESS:
                    raise
            await _connected(plain)
        except BaseException:  # a cancellation, too: nothing else closes it
            plain.close()
            raise
        stream = asyncio.StreamReader(plain)
        return stream, stream

    async def _connected(plain):
        """Wait for the connection. asyncio.open_connection takes one that was refused for one that stands."""
        poll = select.poll()
        poll.register(plain, select.POLLOUT | select.POLLERR | select.POLLHUP)
        while True:
            for _, events in poll.poll(0):
                if events & (select.POLLERR | select.POLLHUP):
                    plain.read(1)  # raises what is the matter
                    raise OSError(errno.ECONNRESET)
                return
            await asyncio.sleep(_CONNECT_POLL_MS / 1000)

    async def start_tls(pair, context, server_hostname):
        """The connection over TLS. The handshake runs with the first write, and raises its errors there."""
        plain = pair[0].s
        wrapped = context.wrap_socket(plain, server_hostname=server_hostname, do_handshake_on_connect=False)
        stream = asyncio.StreamReader(wrapped)
        return stream, stream, plain

    async def write_all(pair, data):
        """Write `data`, and wait until the network has taken it; `data` may then be used again."""
        pair[1].write(data)
        await pair[1].drain()

    def close(pair):
        """Close without waiting for the peer. The stream's own close() does nothing here."""
        pair[0].s.close()
        for plain in pair[2:]:
            plain.close()  # a TLS stream whose handshake failed has let go of it

    async def read_into(pair, buffer):
        """Bytes read into `buffer`; 0 at the end of the stream."""
        while True:
            count = await pair[0].readinto(buffer)
            if count is not None:  # None: a TLS record that held no data, as a session ticket
                return count

    async def console():
        """What is typed on the console, as a pair for `read_into`, one octet at a time; None without one.

        A longer read would wait until the buffer is full.
        """
        stream = asyncio.StreamReader(sys.stdin.buffer)
        return stream, stream

    def receive_some(connection, buffer):
        """Octets received into `buffer` without waiting, 0 at the end of the stream, or WANTS_READ.

        A TLS connection shakes hands first, here and in `send_some`; its poll then waits for what TLS wants.
        """
        count = connection.readinto(buffer)
        return WANTS_READ if count is None else count

    def send_some(connection, data):
        """Octets of `data` sent without waiting, or WANTS_WRITE."""
        count = connection.write(data)
        return WANTS_WRITE if count is None else count

    def make_private_folder(path):
        """Make a folder; whom it keeps out is the umask's to say. Raises OSError."""
        os.mkdir(path)

    def keep_heap_compact():
        """Collect after every 4 kB of allocation: call it before the large imports.

        What lives for good then lies side by side, and the large pieces that TLS needs find room: nothing
        is ever moved on this heap.
        """
        gc.threshold(4096)

    def learn_names(path):
        """Load a module and let go of it: call it before the large imports, for what is borrowed later.

        Names stay known for good, in a table that doubles in one piece: later there may be no room for it.
        """
        Loan(path).end()

    def collect():
        """Make room: collect garbage."""
        gc.collect()

    def heap_used():
        """Bytes of the heap in use."""
        return gc.mem_alloc()

    def heap_free():
        """Bytes of the heap that are free."""
        return gc.mem_free()

    def print_exception(error, file):
        sys.print_exception(error, file)

else:
    import ssl
    import stat
    import tempfile
    import traceback

    # What OpenSSL calls the errors that mbedTLS has these numbers for.
    _TLS_NUMBERS = {
        "WRONG_VERSION_NUMBER": -29184,
        "UNSUPPORTED_PROTOCOL": -28288,
        "UNEXPECTED_EOF_WHILE_READING": -29312,
    }
    _ALERT_RECEIVED = -30592
    _HANDSHAKE_FAILED = -28160
    _CLOSED_IN_HANDSHAKE = -29312
    _IN_CLEAR = -29184
    _HANDSHAKE_TIMEOUT_S = 3600  # never: the caller has a deadline of its own

    def ticks_ms():
        return int(time.monotonic() * 1000)

    def ticks_add(ticks, delta):
        return ticks + delta

    def ticks_diff(later, earlier):
        return later - earlier

    def new_tls_context(certificates):
        """As on MicroPython: verified, TLS 1.2 or newer, ECDHE with AES-GCM."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ECDHE+AESGCM:@SECLEVEL=2")  # and keys and signatures as mbedTLS wants them
        for der in certificates:
            try:
                context.load_verify_locations(cadata=der)
            except ssl.SSLError as error:
                raise ValueError("invalid cert") from error
        return context

    def show_certificate(context, chain_pem, key_pem):
        """As on MicroPython. OpenSSL reads files only: one that this user alone can read, for a moment."""
        handle, path = tempfile.mkstemp()
        try:
            with open(handle, "wb") as file:
                file.write(key_pem + b"\n" + chain_pem)
            context.load_cert_chain(path, password="")  # without one OpenSSL would ask the terminal
        except ssl.SSLError as error:
            raise ValueError(error.reason or "invalid key") from error
        finally:
            os.remove(path)

    def _as_on_micropython(error):
        """What MicroPython raises, with the number that asyncio leaves out, or that of mbedTLS."""
        if isinstance(error, ConnectionResetError):
            return OSError(errno.ECONNRESET, str(error))
        if isinstance(error, ssl.SSLCertVerificationError):
            return ValueError(error.verify_message)
        reason = error.reason or ""
        number = _ALERT_RECEIVED if "_ALERT_" in reason else _TLS_NUMBERS.get(reason, _HANDSHAKE_FAILED)
        return OSError(number, reason)

    def look_up(host, port):
        """The addresses of a name, as text. Blocks. Raises OSError or ValueError."""
        return [row[-1][0] for row in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)]

    async def connect(address, port):
        """A connected pair of streams to an address that is no name. Raises OSError."""
        return await asyncio.open_connection(address, port)

    async def start_tls(pair, context, server_hostname):
        """The same pair, upgraded: the handshake is over."""
        reader, writer = pair
        if reader._buffer:
            raise OSError(_IN_CLEAR, "data in clear before the handshake")
        try:
            await writer.start_tls(
                context, server_hostname=server_hostname, ssl_handshake_timeout=_HANDSHAKE_TIMEOUT_S
            )
        except ssl.SSLError as error:
            raise _as_on_micropython(error) from error
        except ConnectionResetError as error:
            if error.errno is None:  # what asyncio makes of an end of the stream
                raise OSError(_CLOSED_IN_HANDSHAKE, "closed in the handshake") from error
            raise
        return pair

    async def write_all(pair, data):
        """Write a copy of `data`: CPython's transport may hold on to what it is given."""
        pair[1].write(bytes(data))
        try:
            await pair[1].drain()
        except (ssl.SSLError, ConnectionResetError) as error:
            raise _as_on_micropython(error) from error

    def close(pair):
        """Close without waiting for the peer."""
        pair[1].close()

    async def read_into(pair, buffer):
        """Bytes read into `buffer`; 0 at the end of the stream."""
        try:
            data = await pair[0].read(len(buffer))
        except ssl.SSLError as error:
            raise _as_on_micropython(error) from error
        buffer[: len(data)] = data
        return len(data)

    async def console():
        """As on MicroPython, where a pipe is the console: a terminal would no longer wait for anybody."""
        try:
            mode = os.fstat(sys.stdin.fileno()).st_mode
        except (AttributeError, OSError, ValueError):
            return None  # there is none, or it is closed
        if not stat.S_ISFIFO(mode) and not stat.S_ISSOCK(mode):
            return None
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        return reader, transport

    def receive_some(connection, buffer):
        """Octets received into `buffer` without waiting, 0 at the end of the stream, or WANTS_*."""
        return _without_waiting(connection.recv_into, buffer, WANTS_READ)

    def send_some(connection, data):
        """Octets of `data` sent without waiting, or WANTS_*."""
        return _without_waiting(connection.send, data, WANTS_WRITE)

    def _without_waiting(operation, data, wants):
        try:
            return operation(data)
        except ssl.SSLWantReadError:
            return WANTS_READ
        except ssl.SSLWantWriteError:
            return WANTS_WRITE
        except BlockingIOError:
            return wants
        except ssl.SSLError as error:
            raise _as_on_micropython(error) from error

    def make_private_folder(path):
        """Make a folder for its owner alone. Raises OSError."""
        os.mkdir(path, 0o700)

    def keep_heap_compact():
        """CPython's heap needs no help."""

    def learn_names(path):
        """CPython has room for its names."""

    def collect():
        """CPython's heap has room."""

    def heap_used():
        """CPython's heap has no fixed size to be a part of."""
        return 0

    def heap_free():
        """CPython's heap has no fixed size to be a part of."""
        return 0

    def print_exception(error, file):
        traceback.print_exception(error, file=file)


class Stopwatch:
    """Milliseconds since it was made, beyond the wrap of the ticks: ask at least once in six days."""

    def __init__(self):
        self._ticks = ticks_ms()
        self._elapsed_ms = 0

    def elapsed_ms(self):
        now = ticks_ms()
        self._elapsed_ms += ticks_diff(now, self._ticks)
        self._ticks = now
        return self._elapsed_ms
