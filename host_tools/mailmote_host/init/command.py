"""`mailmote init`: from answers, or flags, to a mote.toml that `mailmote check` takes."""

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from mailmote import sensors
from mailmote.addresses import has_control
from mailmote.policy import fields, options

from .. import settings_file
from ..errors import UsageError
from . import advice, mote_file
from .answers import LATER, Answers, fill_defaults

_SIGN_INS = {
    "oauth": options.OAUTH_DEVICE,
    "application": options.OAUTH_APP,
    "password": options.PASSWORD,
    "certificate": options.CERTIFICATE,
    "none": options.NO_AUTH,
}
_NO_CLIENT_ID = "oauth.client_id"

EXAMPLE = """\b
Example:
  mailmote init
  mailmote init --name freezer-3 --wifi Plant --from alerts@contoso.com --to ops@contoso.com \\
    --inside --dynamic-address --sign-in oauth --client-id later --sensor-driver adc --pin 34 --above -15"""


@click.command(epilog=EXAMPLE)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("mote.toml"),
    metavar="FILE",
    help="the file to write (default: mote.toml)",
)
@click.option("--force", is_flag=True, help="write over a file that is there")
@click.option("--name", help="of the device: it begins the subject of each mail")
@click.option("--site", help="where it stands")
@click.option("--utc-offset", metavar="+HH:MM", help="of its local time (default: that of this computer)")
@click.option("--power", type=click.Choice(fields.POWER), help="what it runs on (default: mains)")
@click.option("--wifi", metavar="SSID", help="the Wi-Fi network")
@click.option("--wired", is_flag=True, help="no Wi-Fi: the board is on a wire")
@click.option("--from", "sender", metavar="ADDRESS", help="the address that it writes from")
@click.option("--to", multiple=True, metavar="ADDRESS", help="who gets the mail; repeatable, or with commas")
@click.option("--outside/--inside", default=None, help="does mail leave your organisation?")
@click.option(
    "--static-address/--dynamic-address",
    "static",
    default=None,
    help="has the site a static public address that nobody shares?",
)
@click.option("--sign-in", type=click.Choice(list(_SIGN_INS)), help="how the board may sign in")
@click.option(
    "--security-defaults/--no-security-defaults",
    "strict",
    default=True,
    help="are Security Defaults or multifactor authentication on? (default: they are)",
)
@click.option(
    "--option", type=click.Choice(options.NAMES), help="take this way to send, not the one that fits"
)
@click.option("--mailbox", metavar="ADDRESS", help="that signs in (default: that of --from)")
@click.option("--tenant", metavar="DOMAIN", help="for OAuth (default: the domain of the mailbox)")
@click.option(
    "--client-id", metavar="ID", help=f"for OAuth: of the application; {LATER} where there is none yet"
)
@click.option("--mx-host", metavar="HOST", help="the MX endpoint, for a domain with a hyphen")
@click.option("--sensor", metavar="NAME", help="of the sensor (default: sensor)")
@click.option("--sensor-driver", "driver", type=click.Choice(sensors.names()), help="how it is read")
@click.option("--pin", type=int, help="of the sensor")
@click.option("--driver-option", multiple=True, metavar="KEY=VALUE", help="a further one; repeatable")
@click.option("--unit", help="of the readings, such as °C")
@click.option("--every", metavar="TIME", help="between two readings (default: 1min)")
@click.option("--alarm", metavar="NAME", help="of the alarm (default: too high, too low or no reading)")
@click.option("--above", type=float, help="alarm when a reading is greater")
@click.option("--below", type=float, help="alarm when a reading is less")
@click.option("--for", "hold", metavar="TIME", help="every reading for this long, such as 15min")
@click.option("--clear", type=float, help="over when a reading is back at this value")
@click.option("--no-reading-for", metavar="TIME", help="alarm when the sensor is silent for this long")
@click.option("--severity", type=click.Choice(["info", "warning", "critical"]), help="(default: warning)")
@click.option("--json", "as_json", is_flag=True, help="print what was written, and why, as JSON")
def command(output: Path, force: bool, as_json: bool, **flags: Any) -> int:
    """Ask a few questions in plain words, recommend a way to send mail, and write a commented mote.toml.

    What a flag tells is not asked. Without a terminal the flags have to tell all of it.
    """
    answers = _from_flags(flags)
    facts = answers.facts()
    _refuse_existing(output, force or _interactive())
    if _interactive():
        from .questions import ask

        ask(answers, _say)
        facts = answers.facts()
    else:
        _take_recommended(answers, facts)
    missing = list(answers.missing())
    if missing:
        raise UsageError(
            f"these are missing: {'; '.join(missing)}. Add them, or run it on a terminal, where it asks"
        )
    fill_defaults(answers)
    to_do = advice.to_do(answers.option or "", answers.auth(), answers.sender or "", answers.mailbox or "")
    text = mote_file.text(answers, to_do)
    loaded = _checked(output, text, answers)
    if output.exists() and not force:
        click.confirm(f"{output} is there already. Write over it?", abort=True, err=True)
    _write(output, text)
    _report(output, answers, facts, to_do, loaded, as_json)
    return 0


def _interactive() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _from_flags(flags: dict[str, Any]) -> Answers:
    if flags["wired"] and flags["wifi"]:
        raise UsageError("--wired and --wifi contradict each other: give one")
    if flags["above"] is not None and flags["below"] is not None:
        raise UsageError("an alarm has --above or --below: give one, and add a second [[alarm]] to the file")
    for name, value in flags.items():
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, str) and has_control(one):
                raise UsageError(f"--{name.replace('_', '-')} has a line break or a tab in it: type it anew")
    sign_in = flags.pop("sign_in")
    told = {name: flags[name] for name in flags.keys() & Answers.__dataclass_fields__.keys() - {"to", "wifi"}}
    return Answers(
        **told,
        wifi="" if flags["wired"] else flags["wifi"],
        to=[one.strip() for told in flags["to"] for one in told.split(",")],
        sign_in=_SIGN_INS[sign_in] if sign_in else None,
        driver_options=_driver_options(flags["driver"], flags["pin"], flags["driver_option"]),
    )


def _driver_options(driver: str | None, pin: int | None, pairs: tuple[str, ...]) -> dict[str, Any]:
    given: dict[str, Any] = {} if pin is None else {"pin": pin}
    if pairs and not driver:
        raise UsageError("--driver-option needs --sensor-driver")
    for pair in pairs:
        key, equals, value = pair.partition("=")
        known = sensors.options(driver or "")
        if not equals or key not in known:
            raise UsageError(f"--driver-option {pair}: write KEY=VALUE, with one of: {', '.join(known)}")
        given[key] = _typed(key, known[key][0], value)
    return given


def _typed(key: str, kind: type, value: str) -> Any:
    if kind is bool and value in ("true", "false"):
        return value == "true"
    try:
        if kind is not bool:
            return kind(value)
    except ValueError:
        pass
    words = {bool: "true or false", int: "a whole number", float: "a number"}
    raise UsageError(f"--driver-option {key}={value}: it takes {words[kind]}")


def _take_recommended(answers: Answers, facts: advice.Facts | None) -> None:
    """The option that fits, where none was told and enough is known."""
    if answers.option is None and facts is not None:
        found = advice.recommend(facts)
        answers.option = found.option
        if answers.sign_in not in options.named(found.option).auth or found.auth == options.CERTIFICATE:
            answers.sign_in = found.auth


def _refuse_existing(output: Path, allowed: bool) -> None:
    """Before anything is asked."""
    if output.is_dir():
        raise UsageError(f"{output} is a folder. Name the file to write: --output {output / 'mote.toml'}")
    if not output.parent.is_dir():
        raise UsageError(
            f"there is no folder {output.parent}. Make it first, or write elsewhere with --output"
        )
    if output.exists() and not allowed:
        raise UsageError(f"{output} is there already. Write elsewhere with --output, or over it with --force")


def _checked(output: Path, text: str, answers: Answers) -> settings_file.Loaded:
    """What the text comes to. A client ID that is to come later is the one error it may have."""
    drivers = {name: sensors.options(name) for name in sensors.names()}
    loaded = settings_file.check(str(output), text, drivers)
    errors = [problem for problem in loaded.problems if problem.level == "error"]
    if answers.client_id == LATER:
        errors = [problem for problem in errors if problem.key != _NO_CLIENT_ID]
    if errors:
        told = "\n".join(f"  {problem.key}: {problem.text}" for problem in errors)
        raise UsageError(f"the settings would not do, so nothing was written:\n{told}")
    return loaded


def _write(output: Path, text: str) -> None:
    """All of it or nothing, whenever it is stopped."""
    part = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        with part.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(output)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def _report(
    output: Path,
    answers: Answers,
    facts: advice.Facts | None,
    to_do: tuple[str, ...],
    loaded: settings_file.Loaded,
    as_json: bool,
) -> None:
    """`facts` are as they were told: `answers` has what was made of them."""
    found = advice.recommend(facts) if facts else None
    option, auth = answers.option or "", answers.auth()
    against = advice.objections(option, auth, facts) if facts else ()
    missing = [problem.key for problem in loaded.problems if problem.level == "error"]
    if as_json:
        shown = {
            "file": str(output),
            "option": option,
            "auth": auth,
            "recommended": found.option if found else None,
            "reasons": list(found.reasons) if found else [],
            "objections": list(against),
            "to_do": list(to_do),
            "missing": missing,
            "settings": loaded.settings,
        }
        print(json.dumps(shown, indent=2))
        return
    print(f"{output} is written: mail by {option}, sign-in: {auth}.")
    if found and not _interactive():  # else it was told at the question
        better = "" if found.option == option else f"For what you told, {found.option} fits better. "
        print(better + " ".join(found.reasons))
        for objection in against:
            print(f"! Mind: {objection}.")
    for problem in loaded.problems:
        if problem.level == "warning":
            print(f"! {problem.key}: {problem.text}")
    print("\nBefore the first mail, an administrator of the tenant does this:")
    for number, step in enumerate(to_do, 1):
        print(f"  {number}. {step}")
    print(f"\nNext: mailmote check {output}" + (f", once it has {', '.join(missing)}" if missing else ""))
