"""What the sign-in service has issued: access tokens, refresh tokens, device codes; and what they look like.

Tokens are random: nobody can make one that the tenant has not issued, and the tenant knows each by its text.
The shapes and sizes are the real ones, as a board has to hold and send them.
"""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

_REFRESH_OCTETS = 1500
_SIGNATURE_OCTETS = 256  # RS256 with a key of 2048 bits
_USER_CODE_CHARACTERS = "ABCDEFGHJKLMNPQRSTVWXYZ23456789"
_USER_CODE_LENGTH = 9


@dataclass(eq=False)
class AccessToken:
    """An access token. `user` is the address of who signed in; None: the application itself did.

    Times are in seconds of the tenant's clock.
    """

    text: str = field(repr=False)
    client_id: str
    user: str | None
    resource: str
    permissions: frozenset[str]
    issued_s: float
    expires_s: float
    revoked: bool = False


@dataclass(frozen=True)
class SignIn:
    """A person has signed in to an application, at `at_s`, for that scope; `mfa`: with a second factor."""

    client_id: str
    user: str
    scope: str
    at_s: float
    mfa: bool


@dataclass(eq=False)
class RefreshToken:
    """A refresh token, and the sign-in that it goes back to over any number of renewals."""

    text: str = field(repr=False)
    sign_in: SignIn
    issued_s: float
    revoked: bool = False


@dataclass(eq=False)
class DeviceGrant:
    """A device code and what the person has done with it. `late`: typed in after it expired."""

    device_code: str = field(repr=False)
    user_code: str
    client_id: str
    scope: str
    expires_s: float
    interval_s: float
    user: str | None = None
    mfa: bool = False
    declined: bool = False
    late: bool = False
    polled_s: float | None = None


@dataclass(frozen=True)
class Tokens:
    """What a signed-in board holds."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)


class Vault:
    """All that was issued, by its text."""

    def __init__(self) -> None:
        self.access: dict[str, AccessToken] = {}
        self.refresh: dict[str, RefreshToken] = {}
        self.devices: dict[str, DeviceGrant] = {}
        self._spent: list[str] = []

    def by_user_code(self, typed: str) -> DeviceGrant | None:
        """The grant that a person means, however the code was typed."""
        code = typed.replace("-", "").replace(" ", "").upper()
        return next((grant for grant in list(self.devices.values()) if grant.user_code == code), None)

    def spend(self, grant: DeviceGrant) -> None:
        """A device code works once."""
        del self.devices[grant.device_code]
        self._spent.append(grant.device_code)

    def revoke(self, user: str) -> None:
        """All tokens of that user end now."""
        for access in list(self.access.values()):
            access.revoked |= access.user is not None and access.user.lower() == user.lower()
        for refresh in list(self.refresh.values()):
            refresh.revoked |= refresh.sign_in.user.lower() == user.lower()

    def secrets(self) -> list[str]:
        return [*self.access, *self.refresh, *self.devices, *self._spent]


def signed_text(claims: Mapping[str, object], octets: int = 0) -> str:
    """A JSON web token (RFC 7519) with a random signature, at least and not much longer than `octets`."""
    header = {
        "typ": "JWT",
        "nonce": secrets.token_urlsafe(32),
        "alg": "RS256",
        "kid": secrets.token_urlsafe(20),
    }
    signature = base64url(secrets.token_bytes(_SIGNATURE_OCTETS))

    def whole(filling: str) -> str:
        parts = (header, {**claims, "xms_ftd": filling} if filling else claims)
        encoded = [base64url(json.dumps(part, separators=(",", ":")).encode()) for part in parts]
        return ".".join([*encoded, signature])

    missing = octets - len(whole("x"))
    return whole(secrets.token_hex(missing)[: missing * 3 // 4 + 2] if missing > 0 else "")


def refresh_text() -> str:
    """A refresh token: opaque, in three parts."""
    filling = secrets.token_urlsafe(_REFRESH_OCTETS)
    return f"1.AX{filling[:64]}.AgABAwEAAAD{filling[64 : _REFRESH_OCTETS - 12]}"


def device_text() -> str:
    return f"HAQABIQEAAAD{secrets.token_urlsafe(190)}"


def user_code() -> str:
    """What the person types."""
    return "".join(secrets.choice(_USER_CODE_CHARACTERS) for _ in range(_USER_CODE_LENGTH))


def base64url(octets: bytes) -> str:
    """RFC 7515 section 2: without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")
