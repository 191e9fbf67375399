"""Sender Policy Framework: may an address send mail for a domain? RFC 7208, with its limits.

An evaluator of our own, and not pyspf: it has to say which term decided and what is wrong with a record, so
that the record can be mended, and it is small on top of the look-ups that the doctor has anyway.
"""

import ipaddress
from dataclasses import dataclass
from typing import Protocol

from .dns import LookupFailed, NoSuchName
from .spf_record import BadRecord, Mechanism, Record, expanded, is_spf

PASS, FAIL, SOFTFAIL, NEUTRAL = "pass", "fail", "softfail", "neutral"  # noqa: S105 - no password
NONE, TEMPERROR, PERMERROR = "none", "temperror", "permerror"

_RESULTS = {"+": PASS, "-": FAIL, "~": SOFTFAIL, "?": NEUTRAL}
_MAX_LOOKUPS = 10  # section 4.6.4: terms that need the DNS, in all records together
_MAX_VOID = 2  # look-ups that find nothing
_MAX_HOSTS = 10  # of one mx or ptr term


class Lookups(Protocol):
    """What of dns.Names is needed."""

    def texts(self, name: str) -> list[str]: ...

    def look_up(self, name: str, kind: str) -> list[str]: ...

    def mail_hosts(self, domain: str) -> list[str]: ...

    def names_of(self, address: str) -> list[str]: ...


@dataclass(frozen=True)
class Outcome:
    """`records` are the SPF records of the domain itself; `why` is the term that decided, or the fault."""

    result: str
    records: tuple[str, ...]
    why: str
    lookups: int


class _Ends(Exception):
    """The evaluation ends with `result`: an error of the DNS, or of a record."""

    def __init__(self, result: str, why: str) -> None:
        super().__init__(why)
        self.result = result


def evaluate(address: str, sender: str, names: Lookups) -> Outcome:
    """check_host() of RFC 7208 section 4, for the domain of `sender`, an address."""
    domain = sender.rpartition("@")[2]
    evaluation = _Evaluation(ipaddress.ip_address(address), sender, names)
    records: tuple[str, ...] = ()
    try:
        records = evaluation.records(domain)
        result, why = evaluation.check(domain, records)
    except _Ends as end:
        result, why = end.result, str(end)
    return Outcome(result, records, why, evaluation.lookups)


class _Evaluation:
    def __init__(
        self, address: ipaddress.IPv4Address | ipaddress.IPv6Address, sender: str, names: Lookups
    ) -> None:
        self._address = address
        self._kind = "A" if address.version == 4 else "AAAA"
        self._sender = sender
        self._names = names
        self._void = 0
        self.lookups = 0

    def records(self, domain: str) -> tuple[str, ...]:
        """The SPF records of a domain; no name and no record are the same."""
        try:
            return tuple(text for text in self._names.texts(domain) if is_spf(text))
        except NoSuchName:
            return ()
        except LookupFailed as error:
            raise _Ends(TEMPERROR, str(error)) from None

    def check(self, domain: str, records: tuple[str, ...]) -> tuple[str, str]:
        """(result, why) of the records of a domain."""
        if len(records) > 1:
            raise _Ends(PERMERROR, f"{domain} has {len(records)} SPF records, and may have one")
        text = next(iter(records), None)
        if text is None:
            return NONE, f"{domain} has no SPF record"
        try:
            record = Record.parsed(text)
        except BadRecord as error:
            raise _Ends(PERMERROR, f"in the record of {domain}, {error}") from None
        for mechanism in record.mechanisms:
            if self._matches(mechanism, domain):
                return _RESULTS[mechanism.qualifier], mechanism.text
        if record.redirect is None:
            return NEUTRAL, "no term matches"
        target = self._target(record.redirect, domain, f"redirect={record.redirect}")
        result, why = self.check(target, self.records(target))
        if result == NONE:
            raise _Ends(PERMERROR, f"redirect={target} leads to no SPF record")
        return result, f"{why}, of {target}"

    def _matches(self, mechanism: Mechanism, domain: str) -> bool:
        if mechanism.name == "all":
            return True
        if mechanism.network is not None:
            return self._address in mechanism.network
        target = self._target(mechanism.domain or "%{d}", domain, mechanism.text)
        if mechanism.name == "include":
            return self._included(target)
        if mechanism.name == "exists":
            return bool(self._found(target, "A"))
        if mechanism.name == "ptr":
            return self._named_within(target)
        return self._at_one_of(self._hosts(mechanism, target), mechanism)

    def _target(self, spec: str, domain: str, term: str) -> str:
        """The name that a term looks up: one more look-up."""
        self.lookups += 1
        if self.lookups > _MAX_LOOKUPS:
            raise _Ends(PERMERROR, f"more than {_MAX_LOOKUPS} DNS look-ups are needed, at {term}")
        try:
            return expanded(spec, domain, self._sender, self._address)
        except BadRecord as error:
            raise _Ends(PERMERROR, f"in the record of {domain}, {error}") from None

    def _included(self, target: str) -> bool:
        result, _ = self.check(target, self.records(target))
        if result == NONE:
            raise _Ends(PERMERROR, f"include:{target} leads to no SPF record")
        return result == PASS

    def _hosts(self, mechanism: Mechanism, target: str) -> list[str]:
        if mechanism.name == "a":
            return [target]
        hosts = self._asked(lambda: self._names.mail_hosts(target))
        if len(hosts) > _MAX_HOSTS:
            raise _Ends(PERMERROR, f"{mechanism.text} finds more than {_MAX_HOSTS} hosts")
        return hosts

    def _at_one_of(self, hosts: list[str], mechanism: Mechanism) -> bool:
        length = mechanism.prefix4 if self._address.version == 4 else mechanism.prefix6
        for host in hosts:
            for found in self._found(host, self._kind):
                if self._address in ipaddress.ip_network(f"{found}/{length}", strict=False):
                    return True
        return False

    def _named_within(self, target: str) -> bool:
        """Section 5.5: discouraged, and an error of the DNS is no match."""
        try:
            named = self._names.names_of(str(self._address))[:_MAX_HOSTS]
        except (NoSuchName, LookupFailed):
            return False
        within = [name for name in named if f".{name}".endswith(f".{target.lower()}")]
        return any(str(self._address) in self._found(name, self._kind) for name in within)

    def _found(self, name: str, kind: str) -> list[str]:
        return self._asked(lambda: self._names.look_up(name, kind))

    def _asked(self, look_up) -> list[str]:
        try:
            found = look_up()
        except NoSuchName:
            found = []
        except LookupFailed as error:
            raise _Ends(TEMPERROR, str(error)) from None
        if not found:
            self._void += 1
            if self._void > _MAX_VOID:
                raise _Ends(PERMERROR, f"more than {_MAX_VOID} look-ups find nothing")
        return found
