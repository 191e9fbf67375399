"""A Microsoft 365 tenant as far as mail from devices goes: what its administrator can set.

All of it may be changed while the servers run; the next command sees it.
"""

import ipaddress
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from mailmote.addresses import domain_of

MAX_MESSAGE_OCTETS = 157286400
"""What Exchange Online tells as SIZE."""

DAY_S = 24 * 3600


@dataclass
class Mailbox:
    """A mailbox that can sign in. `smtp_auth` None: as the organisation's switch says."""

    address: str
    password: str = field(repr=False)
    smtp_auth: bool | None = None
    basic_auth: bool = True
    account_locked: bool = False
    conditional_access_blocks: bool = False
    full: bool = False
    send_as: set[str] = field(default_factory=set)
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
    tokens: dict[str, str] = field(default_factory=dict, repr=False)
    """Access token: the address of the mailbox that it was issued for."""

    smtp_auth_disabled: bool = False
    basic_auth_disabled: bool = False
    basic_auth_retired: bool = False
    security_defaults: bool = False
    reject_direct_send: bool = False

    max_connections: int = 3
    messages_per_minute: int = 30
    recipients_per_day: int = 10_000
    max_message_octets: int = MAX_MESSAGE_OCTETS
    clock: Callable[[], float] = time.time

    def mailbox(self, address: str) -> Mailbox | None:
        """The mailbox with that address, whatever its case."""
        wanted = address.lower()
        return next((mailbox for mailbox in self.mailboxes if mailbox.address.lower() == wanted), None)

    def accepts_domain_of(self, address: str) -> bool:
        """Whether the domain of the address is one of the organisation's accepted domains."""
        return domain_of(address) in {domain.lower() for domain in self.accepted_domains}

    def has_recipient(self, address: str) -> bool:
        known = {mailbox.address.lower() for mailbox in self.mailboxes}
        return address.lower() in known | {contact.lower() for contact in self.contacts}

    def connector_for(self, client: str, certificate_names: Iterable[str]) -> Connector | None:
        """The connector that knows this client: by certificate first, then by address, as Exchange does."""
        by_certificate = [
            connector for connector in self.connectors if connector.certificate_name is not None
        ]
        by_address = [connector for connector in self.connectors if connector.certificate_name is None]
        names = list(certificate_names)
        for connector in by_certificate + by_address:
            if connector.matches(client, names):
                return connector
        return None

    def secrets(self) -> list[str]:
        """What no transcript may show."""
        return [*(mailbox.password for mailbox in self.mailboxes), *self.tokens]
