"""Every difference between MicroPython and CPython. Nothing else asks which one it runs on.

A connection is a pair (reader, writer) of asyncio streams; on MicroPython both are the same object.
`read_into`, `start_tls` and `wait_ms` hide that CPython's reader has no readinto, that MicroPython makes a
TLS stream by wrapping the socket, and that a timeout has another class on each.
"""

import asyncio
import gc
import sys
import time

MICROPYTHON = sys.implementation.name == "micropython"

_EPOCH_2000_S = 946684800  # the ESP32 port counts from 2000-01-01
_epoch_s = _EPOCH_2000_S if time.gmtime(0)[0] == 2000 else 0

Timeout = asyncio.TimeoutError


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
        sys.modules.pop(path, None)
        package, _, name = path.rpartition(".")
        if hasattr(sys.modules.get(package), name):
            delattr(sys.modules[package], name)


async def wait_ms(awaitable, milliseconds):
    """Await with a limit. Raises Timeout, and cancels what it waited for."""
    return await asyncio.wait_for(awaitable, milliseconds / 1000)


async def connect(host, port):
    """A connected pair of streams. Raises OSError; DNS look-ups block on MicroPython."""
    return await asyncio.open_connection(host, port)


if MICROPYTHON:
    from time import ticks_add, ticks_diff, ticks_ms

    import tls

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

    async def start_tls(pair, context, server_hostname):
        """The pair of streams over TLS. The handshake runs with the first write.

        Raises OSError with an mbedTLS number, or ValueError with the text of a certificate's fault.
        """
        wrapped = context.wrap_socket(
            pair[0].s, server_hostname=server_hostname, do_handshake_on_connect=False
        )
        stream = asyncio.StreamReader(wrapped)
        return stream, stream

    async def write_all(pair, data):
        """Write `data`, and wait until the network has taken it; `data` may then be used again."""
        pair[1].write(data)
        await pair[1].drain()

    def close(pair):
        """Close without waiting for the peer. The stream's own close() does nothing here."""
        pair[0].s.close()

    async def read_into(pair, buffer):
        """Bytes read into `buffer`; 0 at the end of the stream."""
        while True:
            count = await pair[0].readinto(buffer)
            if count is not None:  # None: a TLS record that held no data, as a session ticket
                return count

    def keep_heap_compact():
        """Collect after every 4 kB of allocation: call it before the large imports.

        What lives for good then lies side by side, and the large pieces that TLS needs find room: nothing
        is ever moved on this heap.
        """
        gc.threshold(4096)

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
    import traceback

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
        context.set_ciphers("ECDHE+AESGCM")
        for der in certificates:
            context.load_verify_locations(cadata=der)
        return context

    async def start_tls(pair, context, server_hostname):
        """The same pair, upgraded. Raises what MicroPython raises, with mbedTLS's numbers."""
        reader, writer = pair
        if reader._buffer:
            raise ValueError("the server sent data in clear before the TLS handshake")
        try:
            await writer.start_tls(context, server_hostname=server_hostname)
        except ssl.SSLCertVerificationError as error:
            raise ValueError(error.verify_message) from error
        except ssl.SSLError as error:
            number = -29184 if error.reason == "WRONG_VERSION_NUMBER" else -30592
            raise OSError(number, error.reason) from error
        return pair

    async def write_all(pair, data):
        """Write a copy of `data`: CPython's transport may hold on to what it is given."""
        pair[1].write(bytes(data))
        await pair[1].drain()

    def close(pair):
        """Close without waiting for the peer."""
        pair[1].close()

    async def read_into(pair, buffer):
        """Bytes read into `buffer`; 0 at the end of the stream."""
        data = await pair[0].read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def keep_heap_compact():
        """CPython's heap needs no help."""

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
