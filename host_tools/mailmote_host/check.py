"""`mailmote check mote.toml`: is this settings file right, and what does it come to?"""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

import click

from mailmote import civil, sensors

from . import example_mail, settings_file
from .errors import UsageError
from .example_mail import ExampleMail

_POWER = {"mains": "the mains", "battery": "a battery: it sleeps between two readings"}

DONE = 0
FAILED = 1
USAGE = 2


EXAMPLE = """\b
Example:
  mailmote check
  mailmote check freezer-3.toml --alarm "too warm"
  mailmote check freezer-3.toml --json --no-mail"""


@click.command(epilog=EXAMPLE)
@click.argument("file", default="mote.toml", type=click.Path())
@click.option("--alarm", metavar="NAME", help="show the mail of this alarm (default: the first)")
@click.option("--no-mail", is_flag=True, help="show no mail")
@click.option("--json", "as_json", is_flag=True, help="print problems, settings and mail as JSON")
def command(file: str, alarm: str | None, no_mail: bool, as_json: bool) -> int:
    """Tell every mistake in a settings FILE, the settings in force, and its alert mail as it would look.

    FILE is mote.toml unless another is named.

    Exit code 0: it is fine; 1: it has errors; 2: there is no such file.
    """
    loaded = settings_file.load(file, drivers())
    mail = None
    if loaded.settings is not None and not no_mail:
        mail = example_mail.of_alarm(loaded.settings, _alarm_named(loaded.settings, alarm), int(time.time()))
    if as_json:
        shown = loaded.to_json() | ({} if no_mail else {"mail": mail and mail.to_json()})
        print(json.dumps(shown, indent=2))
    elif loaded.found:
        _report(file, loaded, mail)
    else:
        print(loaded.problems[0], file=sys.stderr)
    if loaded.settings is not None:
        return DONE
    return FAILED if loaded.found else USAGE


def drivers() -> dict[str, Any]:
    """The options of every sensor driver of the firmware, by the driver's name."""
    return {name: sensors.options(name) for name in sensors.names()}


def _alarm_named(settings: Mapping[str, Any], name: str | None) -> Mapping[str, Any]:
    alarms = settings["alarms"]
    for alarm in alarms:
        if name in (None, alarm["name"]):
            return alarm
    known = ", ".join(f'"{alarm["name"]}"' for alarm in alarms)
    raise UsageError(f'there is no alarm "{name}" in this file. It has: {known}')


def _report(name: str, loaded: settings_file.Loaded, mail: ExampleMail | None) -> None:
    for problem in loaded.problems:
        print(problem)
    errors = sum(problem.level == "error" for problem in loaded.problems)
    warnings = len(loaded.problems) - errors
    counted = ", ".join(_count(*pair) for pair in ((errors, "error"), (warnings, "warning")) if pair[0])
    if loaded.settings is None:
        print(f"\n{name}: {counted}.")
        return
    if counted:
        print()
    print(f"{name}: {counted or 'no problems'}. The settings in force:\n")
    for label, text in describe(loaded.settings):
        print(f"  {label:<9} {text}")
    if mail is not None:
        print(f'\nAn example of the mail of "{mail.alarm}". Its readings and times are made up.\n')
        print(shown(mail))


def shown(mail: ExampleMail) -> str:
    """The mail with a line at its left, so that nobody takes it for a report of this computer."""
    heads = (("From", mail.sender), ("To", mail.to), ("Cc", mail.cc), ("Subject", mail.subject))
    lines = [f"{name + ':':<8} {value}" for name, value in heads if value]
    return "\n".join(f"  | {line}".rstrip() for line in [*lines, "", *mail.text.rstrip().splitlines()])


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"


def describe(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The settings in words: (label, text) a line, defaults included."""
    device, mail = settings["device"], settings["mail"]
    site = f", {device['site']}" if "site" in device else ""
    yield "device", f"{device['name']}{site}, UTC{civil.offset_text(device['utc_offset_s'])}"
    low = ", on when low" if device["led_inverted"] else ""
    yield (
        "",
        f"power from {_POWER[device['power']]}"
        + (f", LED on pin {device['led']}{low}" if "led" in device else ""),
    )
    if "wifi" in settings:
        yield "wifi", settings["wifi"]["ssid"]
    yield from _route(mail)
    yield "to", ", ".join(mail["to"])
    if "cc" in mail:
        yield "cc", ", ".join(mail["cc"])
    for route in settings["fallbacks"]:
        yield "fallback", f"once the ways above have failed for {civil.duration(route['fallback_after_s'])}:"
        yield from _route(route)
    yield "clock", "NTP from " + ", ".join(settings["clock"]["ntp"])
    yield from _pace(settings)
    for sensor in settings["sensors"]:
        yield "sensor", _sensor(sensor)
    for alarm in settings["alarms"]:
        yield "alarm", _alarm(alarm)
    yield "secrets", ", ".join(settings_file.secrets_needed(settings)) or "none"


def _route(mail: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield (
        "mail",
        f"{mail['option']} by {mail['host']} port {mail['port']}, TLS {mail['tls']}, {_sign_in(mail)}",
    )
    if "connect_to" in mail:
        yield "", f"dials {mail['connect_to']}"
    if "ca" in mail:
        yield "ca", f"{mail['ca']}, beside the public roots"
    if "oauth" in mail:
        yield from _oauth(mail["oauth"])
    yield "from", mail["from"] + (f", replies to {mail['reply_to']}" if "reply_to" in mail else "")
    if "accepted_domains" in mail:
        yield "domains", ", ".join(mail["accepted_domains"])


def _pace(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """How often is tried again, how much is sent, and the daily mail."""
    retry, limits = settings["retry"], settings["limits"]
    expiry = f", for {civil.duration(retry['expire_after_s'])}" if retry["expire_after_s"] else ", for ever"
    first, cap = civil.duration(retry["first_s"]), civil.duration(retry["cap_s"])
    yield "retry", f"after {first} at first, {cap} at most{expiry}"
    share = limits["mailbox_share"]
    alone = "all" if share == 1 else f"{share:g}"
    slot = f", slot {limits['mailbox_slot']}" if "mailbox_slot" in limits else ""
    yield (
        "limits",
        f"{alone} of what its mailbox may send{slot}, {limits['recipients_per_day']} recipients a day",
    )
    yield "", f"one mail for alarms that wait for {civil.duration(limits['digest_after_s'])}"
    yield "", f"{_count(limits['changes_per_hour'], 'change')} an hour of each alarm"
    if "alive" in settings:
        at_s = settings["alive"]["at_s"]
        yield "alive", f"a mail a day at {at_s // 3600:02}:{at_s // 60 % 60:02}"


def _sign_in(mail: Mapping[str, Any]) -> str:
    if mail["auth"] == "none":
        return "no sign-in"
    if mail["auth"] == "certificate":
        return "a certificate of its own"
    return f"{mail['auth']} of {mail['username']}"


def _oauth(oauth: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    port = "" if oauth["port"] == 443 else f":{oauth['port']}"
    yield "oauth", f"tokens from https://{oauth['host']}{port}{oauth['path']}"
    if "connect_to" in oauth:
        yield "", f"dials {oauth['connect_to']}"
    yield "", f"application {oauth['client_id']}"
    yield "", f"scope {oauth['scope']}"


def _sensor(sensor: Mapping[str, Any]) -> str:
    unit = f" in {sensor['unit']}" if "unit" in sensor else ""
    options = "".join(
        f", {key} = {json.dumps(value, ensure_ascii=False)}" for key, value in sensor["options"].items()
    )
    return f"{sensor['name']}: {sensor['driver']}{unit}, every {civil.duration(sensor['every_s'])}{options}"


def _alarm(alarm: Mapping[str, Any]) -> str:
    parts = []
    for side, other in (("above", "below"), ("below", "above")):
        if side in alarm:
            back = f"clears at {alarm['clear']:g} or {other}"
            parts.append(f"{side} {alarm[side]:g} for {civil.duration(alarm['for_s'])}, {back}")
    if "no_reading_for_s" in alarm:
        parts.append(f"no reading for {civil.duration(alarm['no_reading_for_s'])}")
    if "repeat_every_s" in alarm:
        parts.append(f"again every {civil.duration(alarm['repeat_every_s'])}")
    if "to" in alarm:
        parts.append("to " + ", ".join(alarm["to"]))
    return f"{alarm['name']} ({alarm['severity']}): {alarm['sensor']} " + "; ".join(parts)
