"""The certificate by which a board is known to an SMTP relay connector: checked before a board gets it.

mbedTLS notices neither a key of another certificate nor a chain in the wrong order: the server would refuse
the board, far away and in its own words.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from ..errors import HostError


class IdentityError(HostError):
    """The certificate or the key cannot be used. The text says why, and the fix; nothing of the key."""


def check(chain_pem: bytes, key_pem: bytes, domains: Sequence[str] = ()) -> None:
    """Raise IdentityError unless `chain_pem` is a certificate with its chain and `key_pem` its key.

    The board's own certificate comes first, then the one that signed it, and so on; the root may be left out.
    With `domains`, a name of it lies in one of them: Exchange Online knows a connector by such a name.
    """
    chain = _chain(chain_pem)
    own = chain[0]
    if _public(_key(key_pem).public_key()) != _public(own.public_key()):
        raise IdentityError(
            "the key belongs to another certificate. Take the key that this one was made with."
        )
    now = datetime.now(UTC)
    if not own.not_valid_before_utc <= now <= own.not_valid_after_utc:
        raise IdentityError(
            f"the certificate is valid from {own.not_valid_before_utc:%Y-%m-%d} to "
            f"{own.not_valid_after_utc:%Y-%m-%d}. Renew it, or set this computer's clock."
        )
    names = names_in(own)
    if domains and not is_within(names, domains):
        raise IdentityError(
            f"the certificate names {', '.join(names) or 'no host'}, and the connector wants a name in "
            f"{', '.join(domains)}. Have one issued for such a name."
        )


def names_in(certificate: x509.Certificate) -> list[str]:
    """The names of hosts that a certificate is for, in small letters."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [name.lower() for name in names.get_values_for_type(x509.DNSName)]


def is_within(names: Iterable[str], domains: Sequence[str]) -> bool:
    """Whether one of the names is one of the domains, or lies in it."""
    return any(f".{name}".endswith(f".{domain.lower()}") for name in names for domain in domains)


def _chain(chain_pem: bytes) -> list[x509.Certificate]:
    try:
        chain = x509.load_pem_x509_certificates(chain_pem)
    except ValueError:
        raise IdentityError(
            "the certificate is no PEM text, or damaged. Export it as PEM, with its chain."
        ) from None
    for number, (signed, signer) in enumerate(zip(chain, chain[1:], strict=False), 1):
        try:
            signed.verify_directly_issued_by(signer)
        except (ValueError, TypeError, InvalidSignature):
            raise IdentityError(
                f"certificate {number + 1} of the chain did not sign certificate {number}. Put the board's "
                "own first, then the one that signed it, and so on."
            ) from None
    return chain


def _key(key_pem: bytes):
    try:
        return load_pem_private_key(key_pem, None)
    except TypeError:
        raise IdentityError(
            "the key is encrypted, and a board cannot ask for its passphrase. Decrypt it: openssl pkey"
        ) from None
    except ValueError:
        raise IdentityError("the key is no PEM text, or damaged. Export it as PEM, unencrypted.") from None


def _public(key) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
