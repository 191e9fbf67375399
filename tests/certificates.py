"""Certificates for tests: a good chain of root, intermediate and leaf, and one for each fault."""

import datetime
from functools import cache
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mailmote_host.tenant.ca import Identity

HOST = "mail.contoso.test"

# The algorithm identifiers differ in their last octet only: sha256WithRSAEncryption, sha1WithRSAEncryption.
_WITH_SHA256 = bytes.fromhex("06092a864886f70d01010b")
_WITH_SHA1 = bytes.fromhex("06092a864886f70d010105")
_Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_SERVER, _CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
_CA_USAGE = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


class Holder(NamedTuple):
    """A certificate and the key that belongs to it."""

    certificate: x509.Certificate
    key: _Key

    @property
    def name(self) -> x509.Name:
        return self.certificate.subject


@cache
def root() -> Holder:
    """The one that the client knows."""
    return _issued("mailmote test root", _key("root"), ca=True)


@cache
def intermediate() -> Holder:
    return _issued("mailmote test CA", _key("intermediate"), root(), ca=True)


@cache
def other_root() -> Holder:
    """Another one that has the same name."""
    return _issued("mailmote test root", _key("other root"), ca=True)


def root_der() -> bytes:
    return root().certificate.public_bytes(Encoding.DER)


@cache
def identity(fault: str = "none") -> Identity:
    """The chain and the key of a server that calls itself HOST: this fault is in it, of _FAULTS, or none."""
    return _FAULTS[fault]()


def _leaf(signer: Holder | None = None, names: tuple[str, ...] = (HOST,), **more) -> Holder:
    return _issued(names[0], _key("leaf"), signer or intermediate(), names, **more)


def _shown(*chain: Holder) -> Identity:
    """What a server shows: the leaf, and what it sends along."""
    pem = b"".join(holder.certificate.public_bytes(Encoding.PEM) for holder in chain)
    return Identity(pem, chain[0].key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _with_ecdsa() -> Identity:
    return _shown(_issued(HOST, _elliptic_key(), intermediate(), (HOST,)), intermediate())


def _by_no_authority() -> Identity:
    clerk = _issued("clerk.contoso.test", _key("clerk"), intermediate(), ("clerk.contoso.test",))
    return _shown(_leaf(clerk), clerk, intermediate())


def _with_sha1() -> Identity:
    """cryptography makes no such signature any more: the one it made is replaced."""
    leaf = _leaf()
    octets = leaf.certificate.public_bytes(Encoding.DER).replace(_WITH_SHA256, _WITH_SHA1)
    signed = leaf.certificate.tbs_certificate_bytes.replace(_WITH_SHA256, _WITH_SHA1)
    signature = _key("intermediate").sign(signed, padding.PKCS1v15(), hashes.SHA1())
    weak = x509.load_der_x509_certificate(octets[: -len(signature)] + signature)
    return _shown(Holder(weak, leaf.key), intermediate())


def _with_1024_bits() -> Identity:
    leaf = _issued(HOST, _key("weak", 1024), intermediate(), (HOST,))
    return _shown(leaf, intermediate())


_FAULTS = {
    "none": lambda: _shown(_leaf(), intermediate()),
    "none, with ECDSA": _with_ecdsa,
    "expired": lambda: _shown(_leaf(days=(-90, -1)), intermediate()),
    "not yet valid": lambda: _shown(_leaf(days=(1, 90)), intermediate()),
    "wrong host": lambda: _shown(_leaf(names=("mail.fabrikam.test",)), intermediate()),
    "other CA with the same name": lambda: _shown(_leaf(other_root())),
    "self-signed": lambda: _shown(_issued(HOST, _key("leaf"), None, (HOST,))),
    "missing intermediate": lambda: _shown(_leaf()),
    "issuer is no CA": _by_no_authority,
    "for clients only": lambda: _shown(_leaf(usage=(_CLIENT,)), intermediate()),
    "SHA-1": _with_sha1,
    "RSA 1024": _with_1024_bits,
}


@cache
def _key(owner: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """The key of `owner`: making one takes a moment."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def _elliptic_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _issued(
    common_name: str,
    key: _Key,
    signer: Holder | None = None,
    names: tuple[str, ...] = (),
    days: tuple[int, int] = (-1, 90),
    usage: tuple[x509.ObjectIdentifier, ...] = (_SERVER, _CLIENT),
    ca: bool = False,
) -> Holder:
    """A certificate, valid for these days from now; without a signer it signs itself."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer.name if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=days[0]))
        .not_valid_after(now + datetime.timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if ca:
        builder = builder.add_extension(_CA_USAGE, critical=True)
    else:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(alternatives, critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage(usage), critical=False)
    return Holder(builder.sign(signer.key if signer else key, hashes.SHA256()), key)
