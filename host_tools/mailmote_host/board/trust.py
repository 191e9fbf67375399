"""The CA certificates that a board gets: the roots of Microsoft 365, and those of a server of the user's own.

A board loads one certificate after the other, so each is a file of its own, as DER.
"""

import hashlib
import re
import ssl
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import certifi
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from ..errors import HostError

_FOLDER = "ca"
_MAX_SITE_CERTIFICATES = 8  # each takes 1 to 2 kB of a board's memory during a handshake
_MIN_RSA_BITS = 2048  # what mbedTLS's default profile asks for

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_PEM = re.compile(f"{_BEGIN}.*?(?:{_END}|(?={_BEGIN})|\\Z)", re.DOTALL)


class _Root(NamedTuple):
    file: str
    name: str
    sha256: str


# What the chains of smtp.office365.com and login.microsoftonline.com end in, and may come to end in.
# https://learn.microsoft.com/azure/security/fundamentals/azure-ca-details
_ROOTS = (
    _Root(
        "digicert-g2",
        "DigiCert Global Root G2",
        "cb3ccbb76031e5e0138f8dd39a23f9de47ffc35e43c1144cea27d46a5ab1cb5f",
    ),
    _Root(
        "digicert-g3",
        "DigiCert Global Root G3",
        "31ad6648f8104138c738f39ea4320133393e3a18cc02296ef97c2ac9ef6731d0",
    ),
    _Root(
        "digicert-rsa-g5",
        "DigiCert TLS RSA4096 Root G5",
        "371a00dc0533b3721a7eeb40e8419e70799d2b0a0f2c1d80693165f7cec4ad75",
    ),
    _Root(
        "microsoft-rsa",
        "Microsoft RSA Root Certificate Authority 2017",
        "c741f70f4b2a8d88bf2e71c14122ef53ef10eba0cfa5e64cfa20f418853073e0",
    ),
    _Root(
        "microsoft-ecc",
        "Microsoft ECC Root Certificate Authority 2017",
        "358df39d764af9e1b766e9c972df352ee15cfac227af6ad1d70e8e4a6edcba02",
    ),
)


class TrustError(HostError):
    """There is a CA certificate that a board cannot be given. The text says which, why, and the fix."""


def files(site_bundle: str | Path | None = None) -> dict[str, bytes]:
    """Name on the board -> DER of each CA certificate. `site_bundle` is the user's own PEM file.

    Raises TrustError.
    """
    return microsoft_roots() | (site_certificates(site_bundle) if site_bundle is not None else {})


def microsoft_roots() -> dict[str, bytes]:
    """The roots of Microsoft 365, known by their SHA-256, from the package certifi. Raises TrustError."""
    known = {}
    for pem in _PEM.findall(_read(certifi.where())):
        der = ssl.PEM_cert_to_DER_cert(pem)
        known[hashlib.sha256(der).hexdigest()] = der
    missing = [root.name for root in _ROOTS if root.sha256 not in known]
    if missing:
        raise TrustError(
            f"certifi {version('certifi')} lacks {', '.join(missing)}, and a board needs it to verify "
            "Microsoft 365. Update it: pip install --upgrade certifi"
        )
    return {f"{_FOLDER}/{root.file}.der": known[root.sha256] for root in _ROOTS}


def site_certificates(bundle: str | Path) -> dict[str, bytes]:
    """The certificates in a PEM file, in its order. Raises TrustError if one is not that of a usable CA."""
    found = _PEM.findall(_read(bundle))
    if not found:
        raise TrustError(f"{bundle} holds no certificate ({_BEGIN}). Export the CA as PEM, or Base64")
    if len(found) > _MAX_SITE_CERTIFICATES:
        raise TrustError(
            f"{bundle} holds {len(found)} certificates, and a board has room for {_MAX_SITE_CERTIFICATES}. "
            "Take the CA of your server alone"
        )
    made = {}
    for number, pem in enumerate(found, 1):
        try:
            made[f"{_FOLDER}/site-{number}.der"] = _checked(pem)
        except ValueError as error:
            raise TrustError(f"{bundle}, certificate {number}: {error}") from None
    return made


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise TrustError(f"{path} cannot be read: {error.strerror}. Check its name and permissions") from None


def _checked(pem: str) -> bytes:
    """The DER of a certificate. Raises ValueError that says what is wrong with it, and the fix."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        is_ca = _is_ca(certificate)
    except ValueError:
        raise ValueError("it is damaged. Export it anew, as PEM, or Base64") from None
    if not is_ca:
        raise ValueError("it is no certificate of a CA. Take that of the CA which signed your server's")
    fault = _fault_of_key(certificate)
    if fault:
        raise ValueError(f"{fault}. A board takes RSA from {_MIN_RSA_BITS} bits on, and elliptic curves")
    now = datetime.now(UTC)
    if certificate.not_valid_after_utc < now:
        raise ValueError(
            f"it expired on {certificate.not_valid_after_utc:%Y-%m-%d}. Take the CA's current certificate"
        )
    if certificate.not_valid_before_utc > now:
        raise ValueError(
            f"it is not valid before {certificate.not_valid_before_utc:%Y-%m-%d}. "
            "Check this computer's clock, or take the CA's current certificate"
        )
    return certificate.public_bytes(Encoding.DER)


def _is_ca(certificate: x509.Certificate) -> bool:
    """By RFC 5280, sections 4.2.1.9 and 4.2.1.3."""
    try:
        if not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound as missing:
        return missing.oid == x509.KeyUsage.oid  # it may be used for anything then


def _fault_of_key(certificate: x509.Certificate) -> str | None:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "its key is of an unknown kind"
    if isinstance(key, rsa.RSAPublicKey):
        return f"its RSA key has only {key.key_size} bits" if key.key_size < _MIN_RSA_BITS else None
    return None if isinstance(key, ec.EllipticCurvePublicKey) else "its key is neither RSA nor elliptic"
