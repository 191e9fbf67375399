"""What only CPython's side of compat.py can do wrong."""

import asyncio
import errno
import os
import ssl
import stat
import tempfile
from contextlib import nullcontext
from pathlib import Path

import pytest

from mailmote import compat


def test_what_came_in_clear_before_the_handshake_is_refused():
    async def check():
        reader = asyncio.StreamReader()
        reader.feed_data(b"250 AUTH PLAIN\r\n")
        with pytest.raises(OSError, match="Errno -29184.*in clear before the handshake"):
            await compat.start_tls((reader, None), ssl.create_default_context(), "mail.contoso.test")

    asyncio.run(check())


class Context:
    """Notes how the file with the identity lies while it is loaded."""

    def __init__(self, fault=None):
        self.fault = fault
        self.mode = None
        self.octets = b""

    def load_cert_chain(self, path, password):
        self.mode = stat.S_IMODE(os.stat(path).st_mode)
        self.octets = Path(path).read_bytes()
        assert password == ""
        if self.fault:
            raise self.fault


class Refused(ssl.SSLError):
    reason = "planned"


@pytest.mark.parametrize("fault", [None, Refused(), OSError(5, "planned")])
def test_a_key_lies_in_a_file_for_this_user_alone_and_only_while_it_is_loaded(monkeypatch, tmp_path, fault):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    context = Context(fault)
    with pytest.raises((ValueError, OSError)) if fault else nullcontext():
        compat.show_certificate(context, b"chain", b"key")
    assert context.octets == b"key\nchain"
    assert context.mode == 0o600
    assert list(tmp_path.iterdir()) == []


async def start_tls(writer):
    await compat.start_tls((asyncio.StreamReader(), writer), None, "mail.contoso.test")


def test_the_handshake_ends_at_the_deadline_of_the_caller_and_at_no_other():
    limits_s = []

    class Writer:
        async def start_tls(self, context, server_hostname, ssl_handshake_timeout):
            limits_s.append(ssl_handshake_timeout)

    asyncio.run(start_tls(Writer()))
    assert limits_s[0] >= 3600


@pytest.mark.parametrize(
    ("error", "number"),
    [(ConnectionResetError(), -29312), (ConnectionResetError(errno.ECONNRESET, "reset"), errno.ECONNRESET)],
)
def test_the_end_of_the_stream_in_the_handshake_is_told_from_a_reset(error, number):
    class Writer:
        async def start_tls(self, context, **more):
            raise error

    with pytest.raises(OSError) as caught:
        asyncio.run(start_tls(Writer()))
    assert caught.value.args[0] == number


def test_contexts_verify_with_the_name_and_take_nothing_old_or_weak():
    context = compat.new_tls_context(())
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.security_level >= 2
    suites = [suite["name"] for suite in context.get_ciphers()]
    assert all(name.startswith("TLS_") or ("ECDHE" in name and "GCM" in name) for name in suites)


class Alert(ssl.SSLError):
    reason = "TLSV13_ALERT_CERTIFICATE_REQUIRED"


def test_an_alert_that_comes_after_the_handshake_has_the_number_of_mbedtls():
    async def check():
        reader = asyncio.StreamReader()
        reader.set_exception(Alert(1, "planned"))
        await compat.read_into((reader, None), bytearray(9))

    with pytest.raises(OSError, match="Errno -30592"):
        asyncio.run(check())


def test_a_ca_certificate_that_is_none_raises_what_micropython_raises():
    with pytest.raises(ValueError, match="invalid cert"):
        compat.new_tls_context((b"no certificate",))
