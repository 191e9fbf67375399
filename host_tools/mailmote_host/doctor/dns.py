"""Look-ups by dnspython. A name without records of a kind is no error; one that is not there is one."""

import ipaddress

import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver
import dns.reversename

from ..errors import UsageError

_PORT = 53
# Never in the public DNS: RFC 2606, RFC 6761, RFC 6762 and RFC 9476.
_RESERVED = ("example", "test", "invalid", "localhost", "local", "internal", "alt")


class LookupFailed(Exception):
    """Nothing can be said about the name: a server that fails, or none that answers. The text says which."""


class NoSuchName(Exception):
    """The DNS says that the name does not exist (NXDOMAIN)."""


class Names:
    """Looks names up, at `server` (HOST or HOST:PORT), or as this computer does. Raises UsageError."""

    def __init__(self, server: str | None, timeout_s: float) -> None:
        self.given = server is not None
        self._timeout_s = timeout_s
        self._server = _parsed(server) if server is not None else None
        self._resolver: dns.resolver.Resolver | None = None

    def addresses(self, name: str) -> list[str]:
        """IPv4 first. Raises NoSuchName, LookupFailed."""
        found = self.look_up(name, "A")
        try:
            return found + self.look_up(name, "AAAA")
        except LookupFailed:
            if found:  # some DNS servers fail for what they do not know
                return found
            raise

    def mail_hosts(self, domain: str) -> list[str]:
        """The names in the MX records, the preferred first. Raises NoSuchName, LookupFailed."""
        records = [record.split() for record in self.look_up(domain, "MX")]
        return [host.rstrip(".").lower() for _, host in sorted(records, key=lambda record: int(record[0]))]

    def texts(self, name: str) -> list[str]:
        """TXT records, the strings of each joined (RFC 7208 section 3.3). Raises NoSuchName, LookupFailed."""
        return self.look_up(name, "TXT")

    def names_of(self, address: str) -> list[str]:
        """By reverse DNS. Raises NoSuchName, LookupFailed."""
        return [name.rstrip(".").lower() for name in self.look_up(reverse_name(address), "PTR")]

    def look_up(self, name: str, kind: str) -> list[str]:
        """The data of the records of a kind, as text; TXT is unquoted. Raises NoSuchName, LookupFailed."""
        try:
            answer = self._resolve().resolve(
                dns.name.from_text(name),
                kind,
                raise_on_no_answer=False,
                lifetime=self._timeout_s,
                search=False,
            )
        except dns.resolver.NXDOMAIN:
            raise NoSuchName(f"{name} does not exist in the DNS") from None
        except dns.exception.Timeout:
            raise LookupFailed(f"no DNS server answered for {name} in {self._timeout_s:g} s") from None
        except dns.resolver.NoNameservers:
            raise LookupFailed(f"the DNS server failed to look {name} up (SERVFAIL or the like)") from None
        except dns.resolver.NoResolverConfiguration:
            raise LookupFailed("this computer has no DNS server set up") from None
        except (dns.name.EmptyLabel, dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.IDNAException):
            raise NoSuchName(f"{name} cannot be a name in the DNS") from None
        except (dns.exception.DNSException, UnicodeError) as error:
            raise LookupFailed(f"{name} cannot be looked up ({type(error).__name__})") from None
        rdatas = answer.rrset or ()
        if kind == "TXT":
            return [b"".join(rdata.strings).decode("utf-8", "replace") for rdata in rdatas]
        return [rdata.to_text() for rdata in rdatas]

    def _resolve(self) -> dns.resolver.Resolver:
        if self._resolver is None:
            resolver = dns.resolver.Resolver(configure=self._server is None)
            resolver.cache = dns.resolver.LRUCache()
            if self._server is not None:
                resolver.nameservers, resolver.port = [self._server[0]], self._server[1]
            self._resolver = resolver
        return self._resolver


def reverse_name(address: str, zone: str | None = None) -> str:
    """The name under which an address is looked up: in `zone`, as a DNS blocklist has it, or reverse DNS."""
    if zone is None:
        return dns.reversename.from_address(address).to_text()
    origin = dns.name.from_text(zone)
    return dns.reversename.from_address(address, v4_origin=origin, v6_origin=origin).to_text()


def is_reserved(domain: str) -> bool:
    """True for a name that is in no public DNS, as in examples and tests."""
    return domain.rstrip(".").rpartition(".")[2].lower() in _RESERVED


def _parsed(server: str) -> tuple[str, int]:
    host, port = host_and_port(server, _PORT)
    try:
        return str(ipaddress.ip_address(host)), port
    except ValueError:
        raise UsageError(
            f"--dns-server {server} is no IP address, with or without :PORT. Write it as 192.0.2.53 or "
            "[2001:db8::53]:5353."
        ) from None


def host_and_port(text: str, port: int) -> tuple[str, int]:
    """Of HOST, HOST:PORT, [IPV6]:PORT or a bare IPv6 address. Raises UsageError."""
    host, separator, number = text.rpartition(":")
    if not separator or ":" in host and not host.endswith("]"):
        return text.strip("[]"), port
    if not (number.isascii() and number.isdigit() and 0 < int(number) < 65536):
        raise UsageError(f"{text} has no port from 1 to 65535 after its colon.")
    return host.strip("[]"), int(number)
