"""The certificate for a relay connector: what a board could not use is told before it gets it."""

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from mailmote_host.board import identity
from mailmote_host.tenant.ca import Authority, process_authority

NAMES = ("mote-7.contoso.test", "mote.fabrikam.test")
DOMAINS = ("contoso.test",)


def pem_of(key, encryption=None):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


def self_signed(days, names=NAMES):
    """(certificate, key) as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mote")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now + datetime.timedelta(days=days[0]))
    builder = builder.not_valid_after(now + datetime.timedelta(days=days[1]))
    if names:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(one) for one in names])
        builder = builder.add_extension(alternatives, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM), pem_of(key)


def fault(chain, key, domains=()):
    with pytest.raises(identity.IdentityError) as caught:
        identity.check(chain, key, domains)
    assert b"PRIVATE" not in str(caught.value).encode()
    return str(caught.value)


def test_a_whole_chain_with_its_key_is_good():
    good = process_authority().identity(NAMES)
    identity.check(good.chain_pem, good.key_pem)
    identity.check(good.chain_pem + process_authority().root_pem.encode(), good.key_pem, DOMAINS)
    for domain in ("fabrikam.test", "MOTE-7.contoso.test", "test"):
        identity.check(good.chain_pem, good.key_pem, ("other.test", domain))


def test_what_a_board_could_not_use_is_told():
    good = process_authority().identity(NAMES)
    own, signer = good.chain_pem.decode().split("-----END CERTIFICATE-----\n")[:2]
    end = "-----END CERTIFICATE-----\n"
    swapped = (signer + end + own + end).encode()
    stranger = Authority().identity(NAMES)
    assert "belongs to another certificate" in fault(good.chain_pem, self_signed((-1, 9))[1])
    assert "belongs to another certificate" in fault(good.chain_pem, stranger.key_pem)
    assert "did not sign certificate 1" in fault(swapped, good.key_pem)
    assert "certificate 3 of the chain did not sign certificate 2" in fault(
        good.chain_pem + stranger.chain_pem, good.key_pem
    )
    assert "no PEM text" in fault(b"", good.key_pem)
    assert "no PEM text" in fault(b"\x30\x82", good.key_pem)
    assert "key is no PEM text" in fault(good.chain_pem, b"canary")
    locked = pem_of(ec.generate_private_key(ec.SECP256R1()), BestAvailableEncryption(b"canary"))
    assert "is encrypted" in fault(good.chain_pem, locked)


@pytest.mark.parametrize("days", [(-9, -1), (1, 9)], ids=["expired", "not yet valid"])
def test_a_certificate_out_of_its_time_is_told(days):
    assert "Renew it, or set this computer's clock" in fault(*self_signed(days))


@pytest.mark.parametrize(
    ("names", "domains"),
    [(NAMES, ("other.test",)), (NAMES, ("oso.test",)), ((), DOMAINS), (("contoso.test.evil.test",), DOMAINS)],
)
def test_a_name_outside_the_domains_is_told(names, domains):
    assert "Have one issued for such a name" in fault(*self_signed((-1, 9), names), domains)
