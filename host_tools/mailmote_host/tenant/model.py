"""A Microsoft 365 tenant as far as mail from devices goes: what its administrator can set.

All of it may be changed while the servers run; the next command sees it.
"""

import ipaddress
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from mailmote.addresses import domain_of

from . import issuing, person
from .directory import DELEGATED_SCOPE, Application, Lifetimes, parse_scope
from .tokens import SignIn, Tokens, Vault

MAX_MESSAGE_OCTETS = 157286400
"""What Exchange Online tells as SIZE."""

DAY_S = 24 * 3600


@dataclass
class Mailbox:
    """A mailbox and the account of its owner.

    Without a password it is a shared mailbox: nobody signs in as it, but those in `full_access`, and those
    who may send as it, in its name. `smtp_auth` None: as the organisation's switch says. `mfa_registered`:
    the person has a second factor to show. `tokens_valid_from`: what was issued before, by the tenant's
    clock, has ended, as after a change of the password; see `Tenant.revoke`.
    """

    address: str
    password: str = field(default="", repr=False)
    smtp_auth: bool | None = None
    basic_auth: bool = True
    disabled: bool = False
    account_locked: bool = False
    password_expired: bool = False
    mfa_required: bool = False
    mfa_registered: bool = True
    conditional_access_blocks: bool = False
    tokens_valid_from: float = 0.0
    full: bool = False
    send_as: set[str] = field(default_factory=set)
    full_access: set[str] = field(default_factory=set)
    """Whose users' addresses have FullAccess; applications have it in `Application.full_access`."""
    sent: deque[tuple[float, int]] = field(default_factory=deque, repr=False)
    """(when, how many recipients) of each accepted message of the last 24 hours."""

    def may_send_as(self, address: str) -> bool:
        return address.lower() in {granted.lower() for granted in (self.address, *self.send_as)}

    def recipients_since(self, moment_s: float) -> int:
        return sum(recipients for sent_s, recipients in self.sent if sent_s > moment_s)

    def remember(self, now_s: float, recipients: int) -> None:
        """Count an accepted message towards the limits."""
        while self.sent and self.sent[0][0] <= now_s - DAY_S:
            self.sent.popleft()
        self.sent.append((now_s, recipients))


@dataclass(frozen=True)
class Connector:
    """An inbound connector: knows the sender by its address, or by the name in its TLS client certificate."""

    networks: tuple[str, ...] = ()
    certificate_name: str | None = None

    def __post_init__(self) -> None:
        for network in self.networks:
            ipaddress.ip_network(network)  # raises ValueError, in words

    def matches(self, client: str, certificate_names: Iterable[str]) -> bool:
        if self.certificate_name is not None:
            return self.certificate_name.lower() in {name.lower() for name in certificate_names}
        address = ipaddress.ip_address(client)
        return any(address in ipaddress.ip_network(network) for network in self.networks)


@dataclass
class Tenant:
    """The organisation: its domains, mailboxes, connectors and switches, in Microsoft's terms."""

    accepted_domains: tuple[str, ...]
    mailboxes: list[Mailbox] = field(default_factory=list)
    contacts: set[str] = field(default_factory=set)
    """Recipients in the organisation that cannot sign in: groups, mail contacts."""
    connectors: list[Connector] = field(default_factory=list)
    applications: list[Application] = field(default_factory=list)
    tenant_id: str = ""
    """A GUID; by default always the same for the same first domain."""

    smtp_auth_disabled: bool = False
    basic_auth_disabled: bool = False
    basic_auth_retired: bool = False
    security_defaults: bool = False
    reject_direct_send: bool = False

    user_consent: bool = True
    """Whether people may agree to permissions themselves."""
    approves_as: str | None = None
    """The mailbox as which each device code is approved at once, with no person."""

    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    access_token_octets: int = 2048
    max_connections: int = 3
    messages_per_minute: int = 30
    recipients_per_day: int = 10_000
    max_message_octets: int = MAX_MESSAGE_OCTETS
    clock: Callable[[], float] = time.time
    vault: Vault = field(default_factory=Vault, repr=False)

    def __post_init__(self) -> None:
        self.tenant_id = self.tenant_id or self.object_id(self.accepted_domains[0])

    def mailbox(self, address: str) -> Mailbox | None:
        """The mailbox with that address, whatever its case."""
        wanted = address.lower()
        return next((mailbox for mailbox in self.mailboxes if mailbox.address.lower() == wanted), None)

    def accepts_domain_of(self, address: str) -> bool:
        """Whether the domain of the address is one of the organisation's accepted domains."""
        return domain_of(address) in {domain.lower() for domain in self.accepted_domains}

    def _is_within_accepted_domain(self, name: str) -> bool:
        labels = f".{name.lower()}"
        return any(labels.endswith(f".{domain.lower()}") for domain in self.accepted_domains)

    def has_recipient(self, address: str) -> bool:
        known = {mailbox.address.lower() for mailbox in self.mailboxes}
        return address.lower() in known | {contact.lower() for contact in self.contacts}

    def connector_for(self, client: str, certificate_names: Iterable[str]) -> Connector | None:
        """The connector that knows this client: by certificate first, then by address, as Exchange does.

        `certificate_names` are those of a verified certificate; only names in an accepted domain count.
        """
        by_certificate = [
            connector for connector in self.connectors if connector.certificate_name is not None
        ]
        by_address = [connector for connector in self.connectors if connector.certificate_name is None]
        names = [name for name in certificate_names if self._is_within_accepted_domain(name)]
        for connector in by_certificate + by_address:
            if connector.matches(client, names):
                return connector
        return None

    def application(self, client_id: str) -> Application | None:
        """The application with that id, whatever its case."""
        wanted = client_id.lower()
        return next((known for known in self.applications if known.client_id.lower() == wanted), None)

    def object_id(self, name: str) -> str:
        """A GUID for whatever has that name, always the same."""
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, name.lower()))

    def approve(self, user_code: str, address: str) -> None:
        """The person types the code and signs in as that mailbox. Raises aadsts.Refused."""
        person.approve(self, user_code, address)

    def decline(self, user_code: str) -> None:
        """The person types the code and refuses. Raises aadsts.Refused."""
        person.decline(self, user_code)

    def issue(self, address: str, application: Application, scope: str = DELEGATED_SCOPE) -> Tokens:
        """The tokens of a board that has been set up already, without the way there.

        Raises aadsts.Refused where the account may not sign in.
        """
        mailbox = person.account(self, address, mfa=True)
        asked = parse_scope(scope)
        permissions = asked.granted(application)
        access = issuing.access_token(self, application, mailbox, asked.resource, permissions)
        mfa = mailbox.mfa_required
        sign_in = SignIn(application.client_id, mailbox.address, scope, self.clock(), mfa)
        return Tokens(access.text, issuing.refresh_token(self, sign_in).text)

    def revoke(self, address: str) -> None:
        """End all that was issued for the mailbox until now, as a change of its password does."""
        mailbox = self.mailbox(address)
        if mailbox is not None:
            mailbox.tokens_valid_from = self.clock()
        self.vault.revoke(address)

    def secrets(self) -> list[str]:
        """What no transcript may show."""
        return [
            *(mailbox.password for mailbox in self.mailboxes),
            *(secret.value for application in self.applications for secret in application.secrets),
            *self.vault.secrets(),
        ]
