"""The board shows a certificate of its own, with the whole chain: the relay's way to know it."""

import ssl

import pytest
from certificates import HOST, identity, other_root, root, root_der
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from hostile_case import DELIVERED
from hostile_server import serve, server_context, smtp
from sessions import RUNTIMES, message, run_jobs
from test_hostile import summary

CHAIN, KEY = (part.decode() for part in identity())
_END = "-----END CERTIFICATE-----\n"
LEAF_ALONE = CHAIN.partition(_END)[0] + _END
OTHER_KEY = identity("none, with ECDSA").key_pem.decode()


@pytest.fixture(params=RUNTIMES)
def runtime(request):
    return request.param


def context(authority=root, maximum=None):
    """A server that wants a client's certificate, of `authority`; it knows no intermediate one."""
    made = server_context("none, with ECDSA", maximum)
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_verify_locations(cadata=authority().certificate.public_bytes(Encoding.DER))
    return made


def relayed(runtime, folder, tls_context, shown):
    """The outcome of a message through such a relay, the names that it read, and its side of it all."""
    names = []

    def remember(peer):
        names.append(peer.peer_certificate().get("subjectAltName"))
        peer.say(b"250 mail.contoso.test\r\n")

    with serve(smtp({"EHLO over TLS": remember}, tls_context)) as (server,):
        mail = {"host": HOST, "connect_to": "127.0.0.1", "port": server.port, "tls": "required"}
        job = {"mail": mail, "messages": [message()]} | ({"identity": shown} if shown else {})
        (outcome,) = run_jobs(runtime, folder, [job], root_der())
    return outcome, names, server.peers[0]


@pytest.mark.parametrize("maximum", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_a_server_that_knows_the_root_alone_is_shown_the_whole_chain(runtime, tmp_path, maximum):
    outcome, names, _ = relayed(runtime, tmp_path, context(maximum=maximum), (CHAIN, KEY))
    assert summary(outcome) == DELIVERED
    assert names == [(("DNS", HOST),)]


@pytest.mark.parametrize("maximum", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
@pytest.mark.parametrize(
    ("authority", "shown"),
    [(root, None), (root, (LEAF_ALONE, KEY)), (other_root, (CHAIN, KEY))],
    ids=["no certificate", "without its intermediate", "of a CA that the server does not know"],
)
def test_a_server_that_refuses_the_certificate_is_told_of(runtime, tmp_path, maximum, authority, shown):
    outcome, _, peer = relayed(runtime, tmp_path, context(authority, maximum), shown)
    assert summary(outcome) == "RetryLater tls-failed"
    assert "or refuses the board's certificate" in outcome["failure"]["text"]
    assert peer.messages == []


@pytest.mark.parametrize(
    "shown",
    [
        ("", ""),
        (CHAIN, ""),
        ("", KEY),
        (CHAIN, CHAIN),
        (KEY, KEY),
        (CHAIN.replace("A", "!"), KEY),
        ("x", "y"),
    ],
    ids=["nothing", "no key", "no chain", "two chains", "two keys", "a damaged chain", "no PEM"],
)
def test_what_is_no_certificate_or_no_key_is_told_before_the_handshake(runtime, tmp_path, shown):
    outcome, _, peer = relayed(runtime, tmp_path, context(), shown)
    assert summary(outcome) == "FixSettings identity-unusable"
    assert "Provision it again, with the whole chain" in outcome["failure"]["text"]
    assert peer.heard == b"EHLO mote.contoso.test\r\nSTARTTLS\r\n"


def test_a_key_of_another_certificate_is_no_success(runtime, tmp_path):
    """OpenSSL sees it at once; to mbedTLS the server says it, in the handshake."""
    outcome, _, peer = relayed(runtime, tmp_path, context(), (CHAIN, OTHER_KEY))
    assert summary(outcome) in ("FixSettings identity-unusable", "RetryLater tls-failed")
    assert peer.messages == []


def test_a_key_with_a_passphrase_asks_nobody(runtime, tmp_path):
    key = load_pem_private_key(KEY.encode(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase"))
    outcome, _, _ = relayed(runtime, tmp_path, context(), (CHAIN, locked.decode()))
    assert summary(outcome) == "FixSettings identity-unusable"
