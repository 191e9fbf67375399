"""The server's TLS as the board will see it: verified by the roots that it is given, TLS 1.2 or newer.

The context is the firmware's own. Where it refuses the certificate, a second connection, which sends nothing
that is secret, looks at what was shown.
"""

import _ssl
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from mailmote import compat, explanations

from ..board import trust
from ..errors import UsageError
from .steps import WARN, Result, Trouble, passed

_SOON_DAYS = 30
# X509_V_ERR_* of OpenSSL 3, x509_vfy.h: key of the explanations.
_KEYS = {
    9: "certificate-not-yet-valid",
    10: "certificate-expired",
    18: "certificate-untrusted",
    19: "certificate-untrusted",
    20: "certificate-untrusted",
    21: "certificate-untrusted",
    24: "certificate-untrusted",
    7: "certificate-untrusted",
    26: "certificate-usage",
    62: "certificate-wrong-host",
    64: "certificate-wrong-host",
    66: "certificate-weak",
    67: "certificate-weak",
    68: "certificate-weak",
    79: "certificate-untrusted",
}
_DATES = ("certificate-not-yet-valid", "certificate-expired")
_NO_COMMON_TLS = ("ALERT_HANDSHAKE_FAILURE", "ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL")


class Roots:
    """The CA certificates that a board gets with these settings. Raises TrustError."""

    def __init__(self, site_bundle: Path | None) -> None:
        self._files = trust.files(site_bundle)

    def context(self, identity: tuple[bytes, bytes] | None = None) -> ssl.SSLContext:
        """The board's context; `identity` is (certificate chain, key) as PEM. Raises UsageError."""
        context = compat.new_tls_context(self._files.values())
        if identity is not None:
            try:
                compat.show_certificate(context, *identity)
            except ValueError as error:
                raise UsageError(
                    f"The certificate and key cannot be used together ({error}). Give the certificate with "
                    "its whole chain, and its unencrypted key, both as PEM."
                ) from None
        return context

    def whose(self, certificate: x509.Certificate) -> str:
        """In words whether a root is one of Microsoft 365 or of the site."""
        der = certificate.public_bytes(_der())
        names = [name for name, known in self._files.items() if known == der]
        kind = (
            "of the file in ca"
            if any("/site-" in name for name in names)
            else "one of those for Microsoft 365"
        )
        return f"{name_of(certificate.subject)}, {kind}"


def _der() -> Any:
    from cryptography.hazmat.primitives.serialization import Encoding

    return Encoding.DER


def describe(connection: ssl.SSLSocket, host: str, roots: Roots) -> Iterator[Result]:
    """The steps tls and certificate, of a handshake that succeeded."""
    cipher = connection.cipher()
    yield passed("tls", f"{connection.version()}, {cipher[0] if cipher else 'an unknown cipher'}.")
    yield certificate_result("certificate", chain(connection, verified=True), host, roots)


def certificate_result(
    step: str, shown: list[x509.Certificate], host: str, roots: Roots, now: datetime | None = None
) -> Result:
    """What a verified chain, the server's own certificate first, comes to."""
    first = min(shown[:-1] or shown, key=lambda one: one.not_valid_after_utc)
    left = first.not_valid_after_utc - (now or datetime.now(UTC))
    path = " from ".join(name_of(one.subject) for one in shown[:-1]) or name_of(shown[0].subject)
    found = (
        f"Good for {host} until {shown[0].not_valid_after_utc:%Y-%m-%d}: {path}, from the root "
        f"{roots.whose(shown[-1])}."
    )
    if left.days >= _SOON_DAYS:
        return passed(step, found)
    return Result(
        step,
        WARN,
        f"{found} {name_of(first.subject)} ends in {left.days} days, on "
        f"{first.not_valid_after_utc:%Y-%m-%d}.",
        "Let whoever runs the server renew it: from that day on the board sends nothing there.",
        "certificate-expired",
    )


def refusal(error: OSError | ValueError, host: str, look: Callable[[], list[x509.Certificate]]) -> Trouble:
    """What a failed handshake means; `look` gives the chain that the server shows."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_refused(error, host, look())
    reason = error.reason if isinstance(error, ssl.SSLError) else None
    if any(part in (reason or "") for part in _NO_COMMON_TLS):
        words = (
            "it has no TLS 1.2 or newer with ECDHE and AES-GCM, or wants another certificate of the client"
        )
    elif isinstance(error, TimeoutError):
        words = "it was silent in the handshake"
    elif reason == "UNEXPECTED_EOF_WHILE_READING":
        words = (
            "it closed the connection in the handshake: it may have no TLS 1.2 or newer that the board speaks"
        )
    elif reason == "WRONG_VERSION_NUMBER":
        words = "it answers in clear: no TLS is spoken there"
    else:
        words = reason or (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
    return _explained("tls-failed", host, words)


def _certificate_refused(
    error: ssl.SSLCertVerificationError, host: str, shown: list[x509.Certificate]
) -> Trouble:
    key = _KEYS.get(error.verify_code, "certificate-refused")
    words = f"{datetime.now(UTC):%Y-%m-%d %H:%M}" if key in _DATES else error.verify_message
    trouble = _explained(key, host, words)
    return Trouble(f"{trouble.found} {_shown(shown)}".strip(), trouble.fix, key)


def _explained(key: str, host: str, words: str) -> Trouble:
    """In the words of the board's table, where `the board's clock` is that of this computer."""
    cause, fix = explanations.explain(key)
    values = (host, words)[: cause.count("%s")]
    return Trouble((cause % values).replace("the board's clock", "the clock here"), fix, key)


def _shown(shown: list[x509.Certificate]) -> str:
    if not shown:
        return ""
    leaf, last = shown[0], shown[-1]
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        told = ", ".join(map(str, names.get_values_for_type(x509.DNSName)))
    except x509.ExtensionNotFound:
        told = ""
    return (
        f"It shows {told or name_of(leaf.subject)}, valid from {leaf.not_valid_before_utc:%Y-%m-%d} to "
        f"{leaf.not_valid_after_utc:%Y-%m-%d}; the chain ends in what {name_of(last.issuer)} signed."
    )


def chain(connection: ssl.SSLSocket, verified: bool) -> list[x509.Certificate]:
    """The peer's certificates, its own first; up to the root where they are verified.

    Public in `ssl` since Python 3.13.
    """
    name = "get_verified_chain" if verified else "get_unverified_chain"
    source: Any = connection if hasattr(connection, name) else getattr(connection, "_sslobj")  # noqa: B009
    return list(_parsed(getattr(source, name)() or ()))


def _parsed(found: Iterable[Any]) -> Iterator[x509.Certificate]:
    encoding: Any = getattr(_ssl, "ENCODING_DER")  # noqa: B009 - not in the stubs
    for one in found:
        yield x509.load_der_x509_certificate(one if isinstance(one, bytes) else one.public_bytes(encoding))


def unverified_context() -> ssl.SSLContext:
    """To look at what a server shows; nothing secret may be sent over it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def name_of(name: x509.Name) -> str:
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.ORGANIZATION_NAME):
        found = name.get_attributes_for_oid(kind)
        if found:
            return str(found[0].value)
    return name.rfc4514_string() or "a certificate without a name"


def https_host(host: str, roots: Roots, connect: Callable[[], socket.socket]) -> Result:
    """Whether the board can verify the sign-in service. Raises Trouble."""

    def look() -> list[x509.Certificate]:
        with connect() as plain, unverified_context().wrap_socket(plain, server_hostname=host) as shown:
            return chain(shown, verified=False)

    with connect() as plain:
        try:
            with roots.context().wrap_socket(plain, server_hostname=host) as secured:
                result = certificate_result("sign-in-host", chain(secured, verified=True), host, roots)
        except (OSError, ValueError) as error:
            raise refusal(error, host, lambda: _quietly(look)) from None
    return result


def _quietly(look: Callable[[], list[x509.Certificate]]) -> list[x509.Certificate]:
    """What was shown is an extra: a failure to see it is not told."""
    try:
        return look()
    except (OSError, ValueError, Trouble):
        return []
