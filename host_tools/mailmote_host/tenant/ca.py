"""A certificate authority of one's own, made when it is needed: root, intermediate and leaves, as the real
chain of smtp.office365.com has them. The keys live in memory and die with the process.
"""

import datetime
import ipaddress
import ssl
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_BACKDATED = datetime.timedelta(days=1)  # a client's clock may be behind
_LIFETIME = datetime.timedelta(days=90)


class Identity(NamedTuple):
    """A certificate with its intermediate, and its key, as PEM."""

    chain_pem: bytes
    key_pem: bytes

    def __repr__(self) -> str:
        return "Identity(...)"

    def load_into(self, context: ssl.SSLContext) -> None:
        """`ssl` reads certificates from files only: write one, readable by this user alone, for a moment."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "identity.pem"
            path.touch(mode=0o600)
            path.write_bytes(self.key_pem + self.chain_pem)
            context.load_cert_chain(path)


class Authority:
    """A root and one intermediate. Two authorities never trust each other, though they have the same name."""

    def __init__(self) -> None:
        root_key, self._intermediate_key, self._leaf_key = (_new_key() for _ in range(3))
        root_name, self._intermediate_name = _name("mailmote sandbox root"), _name("mailmote sandbox CA 1")
        self._root = _certificate(
            root_name, root_key, root_name, root_key, _authority_extensions(path_length=1)
        )
        self._intermediate = _certificate(
            self._intermediate_name,
            self._intermediate_key,
            root_name,
            root_key,
            _authority_extensions(path_length=0),
        )

    @property
    def root_pem(self) -> str:
        return self._root.public_bytes(serialization.Encoding.PEM).decode("ascii")

    @property
    def root_der(self) -> bytes:
        return self._root.public_bytes(serialization.Encoding.DER)

    def identity(self, names: Sequence[str]) -> Identity:
        """A certificate for these DNS names and IP addresses, good for a server and for a client."""
        alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
        leaf = _certificate(
            _name(names[0]),
            self._leaf_key,
            self._intermediate_name,
            self._intermediate_key,
            [(alternatives, False), *_LEAF_EXTENSIONS],
        )
        pem = serialization.Encoding.PEM
        return Identity(
            leaf.public_bytes(pem) + self._intermediate.public_bytes(pem),
            self._leaf_key.private_bytes(
                pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        )

    def server_context(self, names: Sequence[str], asks_client_certificate: bool = False) -> ssl.SSLContext:
        """TLS 1.2 or newer, with a certificate for these names.

        A client certificate is never required; one that is shown must come from this authority. One that
        comes without its intermediate passes the handshake, as at Exchange, and proves nothing: see
        `certificate_names`. Sessions are not resumed, as no chain is shown then.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.identity(names).load_into(context)
        if asks_client_certificate:
            context.verify_mode = ssl.CERT_OPTIONAL
            intermediate = self._intermediate.public_bytes(serialization.Encoding.PEM).decode("ascii")
            context.load_verify_locations(cadata=self.root_pem + intermediate)
            context.options |= ssl.OP_NO_TICKET
            context.num_tickets = 0
        return context


@cache
def process_authority() -> Authority:
    """The authority that the servers of this process share: its keys take a moment to make."""
    return Authority()


def certificate_names(ssl_object: ssl.SSLObject | ssl.SSLSocket | None) -> tuple[str, ...]:
    """The DNS names of the client certificate that was shown with its whole chain, and verified.

    The common name counts where there is no other name (RFC 6125 section 6.4.4).
    """
    certificate = (ssl_object and ssl_object.getpeercert()) or {}
    if ssl_object is None or not certificate or not _shows_intermediate(ssl_object):
        return ()
    alternatives = certificate.get("subjectAltName", ())
    names = tuple(str(entry[1]) for entry in alternatives if entry[0] == "DNS")
    subject = [entry for part in certificate.get("subject", ()) for entry in part]
    return names or tuple(str(entry[1]) for entry in subject if entry[0] == "commonName")


def _shows_intermediate(ssl_object: ssl.SSLObject | ssl.SSLSocket) -> bool:
    """Whether the peer sent more than its own certificate. Public in `ssl` since Python 3.13."""
    public = hasattr(ssl_object, "get_unverified_chain")
    source: Any = ssl_object if public else getattr(ssl_object, "_sslobj")  # noqa: B009
    return len(source.get_unverified_chain() or ()) > 1


_LEAF_EXTENSIONS: list[tuple[x509.ExtensionType, bool]] = [
    (x509.BasicConstraints(ca=False, path_length=None), True),
    (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), False),
]


def _authority_extensions(path_length: int) -> list[tuple[x509.ExtensionType, bool]]:
    usage = x509.KeyUsage(
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
    return [(x509.BasicConstraints(ca=True, path_length=path_length), True), (usage, True)]


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _certificate(
    subject: x509.Name,
    key: rsa.RSAPrivateKey,
    issuer: x509.Name,
    issuer_key: rsa.RSAPrivateKey,
    extensions: Sequence[tuple[x509.ExtensionType, bool]],
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(issuer_key, hashes.SHA256())
