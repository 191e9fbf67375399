"""What a tenant's directory (Microsoft Entra ID) knows of applications, and how long what it issues lasts."""

from dataclasses import dataclass, field

from .aadsts import Refused

EXCHANGE_ID = "00000002-0000-0ff1-ce00-000000000000"
"""The application id of Office 365 Exchange Online."""

SUBMISSION_RESOURCES = ("https://outlook.office.com", "https://outlook.office365.com", EXCHANGE_ID)
"""The names of the resource whose tokens the submission endpoint takes."""

GRAPH = "https://graph.microsoft.com"
SEND = "SMTP.Send"
SEND_AS_APP = "SMTP.SendAsApp"
DELEGATED_SCOPE = f"{SUBMISSION_RESOURCES[0]}/{SEND} offline_access"
APPLICATION_SCOPE = f"{SUBMISSION_RESOURCES[1]}/.default"

OPENID_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})
_PERMISSIONS = frozenset({SEND, "IMAP.AccessAsUser.All", "POP.AccessAsUser.All", "Mail.Send", "User.Read"})
_DEFAULT = ".default"
_DAY_S = 24 * 3600


@dataclass(frozen=True)
class ClientSecret:
    """A secret of an application. `expires_at` is in seconds of the tenant's clock; None: never."""

    value: str = field(repr=False)
    expires_at: float | None = None


@dataclass
class Application:
    """An application as the administrator set it up: by default all that mail needs but for FullAccess.

    `public_client_flows`: "Allow public client flows". `delegated`: delegated permissions with consent.
    `roles`: application permissions with admin consent. `registered_in_exchange`: New-ServicePrincipal was
    run. `full_access`: on which mailboxes its service principal has FullAccess, each with the time, by the
    tenant's clock, from which that has spread. `multi_tenant`: also over /organizations and /common.
    """

    client_id: str
    name: str = "mailmote"
    public_client_flows: bool = True
    secrets: list[ClientSecret] = field(default_factory=list)
    delegated: set[str] = field(default_factory=lambda: {SEND})
    roles: set[str] = field(default_factory=lambda: {SEND_AS_APP})
    registered_in_exchange: bool = True
    full_access: dict[str, float] = field(default_factory=dict)
    multi_tenant: bool = False

    def grant_full_access(self, address: str, spread_at: float = 0.0) -> None:
        """Add-MailboxPermission -AccessRights FullAccess; Exchange heeds it from `spread_at` on."""
        self.full_access[address.lower()] = spread_at

    def may_open(self, address: str, now_s: float) -> bool:
        """Whether Exchange lets the application into that mailbox by now."""
        return self.full_access.get(address.lower(), now_s + 1) <= now_s


@dataclass
class Lifetimes:
    """In seconds. A refresh token ends so long after its issue: each use brings a new one.

    `sign_in_s` is a policy of the organisation: after so long a person has to sign in again; None: never.
    """

    access_s: int = 3599
    refresh_s: float = 90 * _DAY_S
    device_code_s: int = 900
    interval_s: int = 5
    sign_in_s: float | None = None


@dataclass(frozen=True)
class Scope:
    """What a client asks for: OpenID's own scopes, and permissions of one resource."""

    text: str
    openid: frozenset[str]
    resource: str
    permissions: frozenset[str]

    def granted(self, application: Application) -> frozenset[str]:
        """The permissions that a token gets: `.default` stands for all that has consent."""
        return frozenset(application.delegated) if _DEFAULT in self.permissions else self.permissions

    def named(self, permissions: frozenset[str]) -> str:
        """The `scope` of an answer: these permissions in full, and OpenID's but for offline_access."""
        prefix = "" if self.resource == GRAPH else f"{self.resource}/"
        shown = sorted(self.openid - {"offline_access"})
        return " ".join([*(prefix + name for name in sorted(permissions)), *shown])


def parse_scope(text: str) -> Scope:
    """Read a `scope` parameter; a permission without a resource is Microsoft Graph's. Raises Refused."""
    names = text.split()
    openid = OPENID_SCOPES & set(names)
    asked: dict[str, set[str]] = {}
    for name in names:
        if name in openid:
            continue
        resource, _, permission = name.rpartition("/")
        resource = resource.lower() or GRAPH
        if resource not in (*SUBMISSION_RESOURCES, GRAPH) or permission not in {*_PERMISSIONS, _DEFAULT}:
            raise Refused(70011, scope=text)
        asked.setdefault(resource, set()).add(permission)
    if not names or len(asked) > 1:
        raise Refused(70011, scope=text)
    resource, permissions = next(iter(asked.items()), (GRAPH, set[str]()))
    if _DEFAULT in permissions and len(permissions) > 1:
        raise Refused(70011, scope=text)
    return Scope(text, openid, resource, frozenset(permissions))


def parse_application_scope(text: str) -> str:
    """The resource of a client credentials request, whose scope is `<resource>/.default`. Raises Refused."""
    resource, _, permission = text.rpartition("/")
    if permission != _DEFAULT:
        raise Refused(1002012, scope=text)
    if resource.lower() not in (*SUBMISSION_RESOURCES, GRAPH):
        raise Refused(500011, resource=resource)
    return resource.lower()
