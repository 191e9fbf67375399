"""What init has been told, and what it still lacks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mailmote import sensors
from mailmote.addresses import domain_of
from mailmote.policy import options, stored_settings

from .advice import Facts

LATER = "later"  # in place of a client ID that nobody has yet


@dataclass
class Answers:
    """None: not told yet. `wifi` is "" for a board on a wire; `sign_in` is a value of mail.auth."""

    name: str | None = None
    site: str | None = None
    utc_offset: str | None = None
    power: str | None = None
    wifi: str | None = None
    sender: str | None = None
    to: list[str] = field(default_factory=list)
    outside: bool | None = None
    static: bool | None = None
    sign_in: str | None = None
    strict: bool = True
    option: str | None = None
    mailbox: str | None = None
    tenant: str | None = None
    client_id: str | None = None
    mx_host: str | None = None
    sensor: str | None = None
    driver: str | None = None
    unit: str | None = None
    every: str | None = None
    driver_options: dict[str, Any] = field(default_factory=dict)
    alarm: str | None = None
    above: float | None = None
    below: float | None = None
    hold: str | None = None
    clear: float | None = None
    no_reading_for: str | None = None
    severity: str | None = None

    def facts(self) -> Facts | None:
        """None where an option is to be recommended, and too little is known for that."""
        if self.outside is None or self.static is None or self.sign_in is None:
            return None
        certificate = self.sign_in == options.CERTIFICATE
        signs_in = self.sign_in not in (options.CERTIFICATE, options.NO_AUTH)
        return Facts(self.outside, self.static, signs_in, self.strict, certificate)

    def auth(self) -> str:
        """The way to sign in of the option: as told where that is possible, else the option's own."""
        allowed = options.named(self.option or "").auth
        return self.sign_in if self.sign_in is not None and self.sign_in in allowed else allowed[0]

    def missing(self) -> Iterator[str]:
        """The flags that a mote.toml still needs."""
        if not self.name:
            yield "--name"
        if self.wifi is None:
            yield "--wifi (or --wired)"
        if not self.sender:
            yield "--from"
        if not self.to:
            yield "--to"
        yield from self._missing_of_option()
        if not self.driver:
            yield "--sensor-driver"
        else:
            yield from missing_driver_options(self.driver, self.driver_options)
        if self.above is None and self.below is None and self.no_reading_for is None:
            yield "--above, --below or --no-reading-for"

    def _missing_of_option(self) -> Iterator[str]:
        if not self.option:
            if self.outside is None:
                yield "--inside or --outside"
            if self.static is None:
                yield "--static-address or --dynamic-address"
            if self.sign_in is None:
                yield "--sign-in"
            return
        if self.auth() in options.OAUTH and not self.client_id:
            yield f"--client-id (or --client-id {LATER})"
        if self.option == options.AZURE_COMMUNICATION_SERVICES and not self.mailbox:
            yield "--mailbox (the SMTP username of the resource)"
        if self.needs_mx_host():
            yield "--mx-host"

    def needs_mx_host(self) -> bool:
        """True where the MX endpoint does not follow from the domain of the sender."""
        if self.mx_host or not self.sender or not self.option or options.named(self.option).host:
            return False
        return options.mx_host(domain_of(self.sender)) is None


def missing_driver_options(driver: str, given: Mapping[str, Any]) -> Iterator[str]:
    """The flags of the options that a driver must have and does not have yet."""
    for key, (_, default, words) in sensors.options(driver).items():
        if default is ... and key not in given:
            yield f"--pin ({words})" if key == "pin" else f"--driver-option {key}=... ({words})"


def utc_offset_here() -> str:
    """The offset of this computer's clock, as mote.toml has it: `+01:00`, or `Z`."""
    offset = datetime.now().astimezone().utcoffset()
    minutes = int(offset.total_seconds()) // 60 if offset else 0
    if not minutes:
        return "Z"
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def fill_defaults(answers: Answers) -> None:
    """What need not be told, once an option is taken."""
    sender = answers.sender or ""
    answers.utc_offset = answers.utc_offset or utc_offset_here()
    answers.power = answers.power or stored_settings.DEVICE["power"]
    answers.mailbox = answers.mailbox or sender
    answers.tenant = answers.tenant or domain_of(answers.mailbox if "@" in answers.mailbox else sender)
    answers.sensor = answers.sensor or "sensor"
    if not answers.alarm:
        high, low = answers.above is not None, answers.below is not None
        answers.alarm = "too high" if high else "too low" if low else "no reading"
    answers.severity = answers.severity or "warning"
