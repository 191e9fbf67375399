"""With what the doctor signs in as the board would: a password, an access token, or a certificate.

Secrets come from the environment or a prompt, are kept in memory only, and are hidden from every text.
"""

import datetime
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from rich.console import Console

from mailmote.policy import options
from mailmote.redaction import hide
from mailmote.smtp.credentials import Bearer, Credentials

from ..board.identity import is_within, names_in
from ..errors import HostError, UsageError
from . import lookup
from .plan import Plan
from .steps import FAIL, WARN, Result, Trouble, passed

PASSWORD_VARIABLE = "MAILMOTE_MAIL_PASSWORD"  # noqa: S105 - a name
OAUTH_VARIABLE = "MAILMOTE_OAUTH_SECRET"
_OFF_BY_DEFAULT = datetime.date(2027, 1, 1)
_SOON_DAYS = 30


class Missing(Exception):
    """There is nothing to sign in with. `found` and `fix` are for a step that is skipped."""

    def __init__(self, found: str, fix: str) -> None:
        super().__init__(found)
        self.found = found
        self.fix = fix


@dataclass
class Secrets:
    """What was handed over. `ask_password(mailbox)` asks a person, who may give none; so does `ask_sign_in`.

    `identity` is (certificate chain, key) as PEM.
    """

    password: str | None = field(default=None, repr=False)
    client_secret: str | None = field(default=None, repr=False)
    identity: tuple[bytes, bytes] | None = field(default=None, repr=False)
    ask_password: Callable[[str], str] | None = None
    ask_sign_in: Callable[[str], bool] | None = None

    def __post_init__(self) -> None:
        for secret in (self.password, self.client_secret):
            hide(secret or "")


def identity(certificate: Path, key: Path) -> tuple[bytes, bytes]:
    """The two files. Raises UsageError."""
    read = []
    for path in (certificate, key):
        try:
            read.append(path.read_bytes())
        except OSError as error:
            raise UsageError(
                f"{path} cannot be read: {error.strerror}. Check its name and permissions."
            ) from None
    return read[0], read[1]


def retirement(plan: Plan, today: datetime.date) -> Result | None:
    """Passwords for SMTP AUTH end: Exchange team, 27 January 2026, and message centre MC786329."""
    if plan.mail["auth"] != options.PASSWORD or plan.option.name != options.CLIENT_SUBMISSION:
        return None
    if not plan.at_microsoft:
        return None
    if today < _OFF_BY_DEFAULT:
        days = (_OFF_BY_DEFAULT - today).days
        found = (
            f"Microsoft turns sign-in with a password off by default at the end of December 2026, in {days} "
            f"day{'s' * (days != 1)}. An administrator can turn it on again, until a final date that is to "
            "be announced in the second half of 2027."
        )
    else:
        found = (
            "Sign-in with a password is off by default since the end of December 2026. It works where an "
            "administrator has turned it on again, until a final date that is announced in the second half "
            "of 2027."
        )
    return Result(
        "password",
        WARN,
        found,
        'Plan for auth = "oauth-device" or "oauth-app", or for direct-send or smtp-relay.',
        "basic-auth-retired",
    )


def for_auth(
    plan: Plan, secrets: Secrets, console: Console, site_bundle: Path | None
) -> Credentials | Bearer:
    """What AUTH is to show. Raises Missing; Trouble where the sign-in service refuses."""
    auth, user = plan.mail["auth"], plan.mail["username"]
    if auth == options.PASSWORD:
        return Credentials(user, _password(user, secrets).encode())
    if "oauth" not in plan.mail:
        raise Missing(
            "The settings have no [oauth], which this option takes to sign in.",
            f"Write a mote.toml for this option, with [oauth] in it, or set {PASSWORD_VARIABLE} to try a "
            "password.",
        )
    if auth == options.OAUTH_APP:
        return Bearer(user, _application_token(plan, secrets, site_bundle))
    return Bearer(user, _delegated_token(plan, secrets, console, site_bundle))


def _password(user: str, secrets: Secrets) -> str:
    if secrets.password is None and secrets.ask_password is not None:
        secrets.password = secrets.ask_password(user)
        hide(secrets.password)
    if not secrets.password:
        raise Missing(
            f"No password of {user} was given.",
            f"Set the environment variable {PASSWORD_VARIABLE} to it, or run this on a terminal, which asks.",
        )
    hide(Credentials(user, secrets.password.encode()).plain())
    return secrets.password


def _application_token(plan: Plan, secrets: Secrets, bundle: Path | None) -> bytes:
    if not secrets.client_secret:
        raise Missing(
            "No client secret of the application was given.",
            f"Set the environment variable {OAUTH_VARIABLE} to it.",
        )
    return _token(plan, bundle, {"grant_type": "client_credentials", "client_secret": secrets.client_secret})


def _delegated_token(plan: Plan, secrets: Secrets, console: Console, bundle: Path | None) -> bytes:
    user = plan.mail["username"]
    if secrets.ask_sign_in is None or not secrets.ask_sign_in(user):
        raise Missing(
            f"Nobody signed in as {user}.",
            "Run this on a terminal with --sign-in: it shows a code to sign in with in a browser.",
        )
    from ..sign_in import device_code  # its library takes a moment

    oauth = plan.mail["oauth"]
    host, port = _place(plan)
    dialled = {**oauth, "connect_to": host, "port": port} if host != oauth["host"] else oauth
    try:
        refresh = device_code.sign_in(dialled, user, console, bundle=bundle)
    except HostError as error:
        raise _refused(error) from None
    return _token(plan, bundle, {"grant_type": "refresh_token", "refresh_token": refresh.decode()})


def _token(plan: Plan, bundle: Path | None, shown: Mapping[str, str]) -> bytes:
    from ..sign_in.transport import Transport  # its libraries take a moment

    oauth = plan.mail["oauth"]
    host, port = _place(plan)
    transport = Transport(oauth["host"], host if host != oauth["host"] else None, bundle)
    try:
        answer = transport.post(
            f"https://{oauth['host']}:{port}{oauth['path']}",
            data={"client_id": oauth["client_id"], "scope": oauth["scope"], **shown},
        )
    except HostError as error:
        raise _refused(error) from None
    finally:
        transport.close()
    token = json.loads(answer.text).get("access_token")
    if not isinstance(token, str) or not token.isascii() or not token:
        raise Trouble("The sign-in service gave no access token.", "Check host in [oauth].", "token-unusable")
    return token.encode()


def _place(plan: Plan) -> tuple[str, int]:
    """Where the sign-in service is reached."""
    oauth = plan.mail["oauth"]
    return plan.dials.get(oauth["host"].lower(), (oauth.get("connect_to") or oauth["host"], oauth["port"]))


def sign_in_place(plan: Plan) -> tuple[str, tuple[str, int]] | None:
    """(name, where it is reached) of the sign-in service, where the settings have one."""
    return (plan.mail["oauth"]["host"], _place(plan)) if "oauth" in plan.mail else None


def _refused(error: HostError) -> Trouble:
    """The text has the cause and the fix; its key is found by the number or name in it."""
    found = lookup.explain_answer(str(error))
    text = str(error)
    if found is not None and text.endswith(found.fix):
        return Trouble(text.removesuffix(found.fix).strip(), found.fix, found.key, found.long_form.commands)
    return Trouble(text, key=found.key if found else "")


def client_certificate(
    plan: Plan, shown: tuple[bytes, bytes], now: datetime.datetime | None = None
) -> Result:
    """Whether a connector can know the board by it: its chain, its names, its end."""
    step = "client-certificate"
    try:
        chain = x509.load_pem_x509_certificates(shown[0])
        ssl.create_default_context().load_verify_locations(cadata=shown[0].decode("ascii", "replace"))
    except (ValueError, ssl.SSLError):
        raise UsageError("The file of --certificate holds no certificate as PEM.") from None
    names = names_in(chain[0])
    end = chain[0].not_valid_after_utc
    left = end - (now or datetime.datetime.now(datetime.UTC))
    shown_name = ", ".join(names) or "a certificate without a name"
    found = f"{shown_name}, {len(chain)} in the chain, ends {end:%Y-%m-%d}."
    domains = plan.mail.get("accepted_domains") or [plan.domain]
    if left.days < 0:
        return Result(step, FAIL, f"Expired: {found}", "Renew it, and provision the board with it.")
    if not is_within(names, domains):
        return Result(
            step,
            FAIL,
            f"No name in it is within {', '.join(domains)}: {found}",
            "The connector goes by a name in an accepted domain of the tenant: get a certificate for one.",
            "relay-denied-domain",
        )
    if len(chain) == 1 and chain[0].issuer != chain[0].subject:
        return Result(
            step,
            WARN,
            f"It comes without the intermediate certificate: {found}",
            "Put the whole chain into the file: Exchange Online does not know the board by the first one "
            "alone.",
            "relay-denied",
        )
    if left.days < _SOON_DAYS:
        return Result(
            step, WARN, f"Ends in {left.days} days: {found}", "Renew it, and provision the board with it."
        )
    return passed(step, found)
