"""`mailmote doctor mote.toml`: can mail go the way that these settings want, and if not, why not?"""

import datetime
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich.console import Console

from mailmote import addresses

from .. import check, settings_file
from ..board.commands.options import as_json, port
from ..errors import UsageError
from . import credentials, dns_checks, report, reputation
from .credentials import OAUTH_VARIABLE, PASSWORD_VARIABLE, Secrets
from .dns import Names, host_and_port
from .plan import Plan, plans
from .steps import FAIL, Result
from .tls_probe import Roots
from .visit import Means, Visit

EXAMPLE = """\b
Example:
  mailmote doctor mote.toml
  mailmote doctor mote.toml --all-options --json
  mailmote doctor mote.toml --send-test-mail
  mailmote doctor mote.toml --from-board --port /dev/ttyUSB0"""

_A_FILE = click.Path(path_type=Path)


@dataclass(frozen=True)
class Wishes:
    """What of the command line the checks need."""

    names: Names
    public_address: str | None
    blocklists: bool


@click.command(epilog=EXAMPLE)
@click.argument("file", default="mote.toml", type=_A_FILE)
@click.option("--all-options", is_flag=True, help="check the other ways to send as well")
@click.option(
    "--send-test-mail/--no-test-mail", default=None, help="send a mail for real (default: ask on a terminal)"
)
@click.option(
    "--sign-in/--no-sign-in",
    default=None,
    help="ask for the password, or for a sign-in in a browser (default: ask on a terminal). The password "
    f"may be in {PASSWORD_VARIABLE}, an application's client secret in {OAUTH_VARIABLE}",
)
@click.option("--certificate", type=_A_FILE, metavar="FILE", help="for the relay: the chain, as PEM")
@click.option("--key", type=_A_FILE, metavar="FILE", help="of that certificate, as PEM")
@click.option("--public-address", metavar="ADDRESS", help="of the site (default: as the server sees it)")
@click.option("--dns-server", metavar="HOST[:PORT]", help="ask this one (default: as this computer does)")
@click.option("--no-blocklists", is_flag=True, help="do not ask Spamhaus about the public address")
@click.option(
    "--dial",
    multiple=True,
    metavar="NAME=HOST[:PORT]",
    help="reach a mail or sign-in host there, as connect_to does; repeatable",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    default=20.0,
    show_default=True,
    metavar="SECONDS",
    help="for each answer",
)
@click.option("--from-board", is_flag=True, help="let the board make the connection, with its own secrets")
@port
@as_json
@click.pass_context
def command(
    context: click.Context, file: Path, from_board: bool, port: str | None, as_json: bool, **options: Any
) -> int:
    """Check the way that mail takes with a settings FILE (default: mote.toml), step by step.

    DNS, port, TLS, sign-in, sender and recipients, the SPF record and blocklists: each step is a line with
    what was found and what to do. Of several [[mail]] each is checked. No mail is sent unless you say so.
    Exit code 1: a step failed; 2: the file, or the command, is not right.
    """
    _fit_together(context, from_board, options)
    settings = _settings(file)
    if from_board:
        return _from_board(settings, port, as_json)
    return _from_here(settings, file, as_json, options)


def _fit_together(context: click.Context, from_board: bool, options: Mapping[str, Any]) -> None:
    """Raises UsageError for options of a look from here with one from the board, or the other way round."""
    given = [
        parameter.opts[0]
        for parameter in context.command.params
        if context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE
        and (parameter.name in options if from_board else parameter.name == "port")
    ]
    if given and from_board:
        raise UsageError(
            f"{', '.join(given)} cannot be used with --from-board: the board takes its own settings, secrets "
            "and name servers, and sends no mail. Leave out one or the other."
        )
    if given:
        raise UsageError("--port is for --from-board: without it the checks are made from this computer.")


def _settings(file: Path) -> dict[str, Any]:
    """Raises UsageError with every problem of the file."""
    loaded = settings_file.load(file, check.drivers())
    if loaded.settings is None:
        errors = [str(problem) for problem in loaded.problems if problem.level == "error"]
        raise UsageError("the settings cannot be used.\n" + "\n".join(errors))
    return loaded.settings


def _from_here(settings: dict[str, Any], file: Path, as_json: bool, options: Mapping[str, Any]) -> int:
    console = Console(stderr=as_json, highlight=False)
    wishes = _wishes(options)
    means = _means(settings, file, options)
    has_password = means.secrets.password is not None
    by_option: list[tuple[str, list[Result]]] = []
    address = wishes.public_address
    for plan in plans(settings, _dials(options["dial"]), options["all_options"], has_password):
        visit = Visit(plan, means, address)
        results = _checked(plan, visit, wishes)
        title = f"{plan.option.name}: {plan.host} port {plan.mail['port']}"
        if by_option and not as_json:
            console.print()
        found = list(results) if as_json else report.show(title, results, console)
        by_option.append((plan.option.name, found))
        address = visit.address
    everything = [result for _, found in by_option for result in found]
    if as_json:
        report.print_json(by_option, with_option=len(by_option) > 1)
    else:
        report.show_end(everything, console)
    return int(any(result.ok == FAIL for result in everything))


def _checked(plan: Plan, visit: Visit, wishes: Wishes) -> Iterator[Result]:
    retirement = credentials.retirement(plan, datetime.date.today())
    if retirement is not None:
        yield retirement
    yield from dns_checks.checked(plan, wishes.names)
    yield from visit.results()
    yield from reputation.checked(plan, visit.address, wishes.names, wishes.blocklists)


def _wishes(options: Mapping[str, Any]) -> Wishes:
    address = options["public_address"]
    if address is not None and not addresses.is_ip(address):
        raise UsageError(f"--public-address {address} is no IP address: write it as 203.0.113.7.")
    names = Names(options["dns_server"], options["timeout_s"])
    return Wishes(names, address and address.strip("[]"), not options["no_blocklists"])


def _dials(given: tuple[str, ...]) -> dict[str, tuple[str, int]]:
    dials = {}
    for one in given:
        name, equals, place = one.partition("=")
        if not equals or not name or not place:
            raise UsageError(
                f"--dial {one}: write it as NAME=HOST:PORT, as in smtp.office365.com=127.0.0.1:5587."
            )
        dials[name.lower()] = host_and_port(place, 25)
    return dials


def _means(settings: Mapping[str, Any], file: Path, options: Mapping[str, Any]) -> Means:
    ca = settings_file.ca_file(settings)
    bundle = file.parent / ca if ca else None
    roots = Roots(bundle)
    if (options["certificate"] is None) != (options["key"] is None):
        raise UsageError("--certificate and --key belong together: give both.")
    shown = None
    if options["certificate"] is not None:
        shown = credentials.identity(options["certificate"], options["key"])
        roots.context(shown)  # whether the two fit, before anything is asked
    terminal = sys.stdin.isatty() and sys.stderr.isatty()
    console = Console(stderr=True)
    return Means(
        _secrets(shown, terminal, options["sign_in"]),
        roots,
        console,
        options["timeout_s"],
        lambda count: _may_send(count, terminal, options["send_test_mail"]),
        bundle,
    )


def _secrets(shown: tuple[bytes, bytes] | None, terminal: bool, sign_in: bool | None) -> Secrets:
    asks = terminal if sign_in is None else sign_in
    if asks and not terminal:
        raise UsageError(
            f"--sign-in needs a terminal. Without one, put the password into {PASSWORD_VARIABLE}."
        )
    return Secrets(
        os.environ.get(PASSWORD_VARIABLE) or None,
        os.environ.get(OAUTH_VARIABLE) or None,
        shown,
        _ask_password if asks else None,
        (lambda user: sign_in or _ask(f"Sign in as {user} in a browser now?")) if asks else None,
    )


def _ask_password(user: str) -> str:
    return click.prompt(
        f"Password of {user} (empty: skip)", default="", hide_input=True, show_default=False, err=True
    )


def _may_send(count: int, terminal: bool, wish: bool | None) -> bool:
    if wish is not None:
        return wish
    return terminal and _ask(f"Send a test mail to {count} recipient{'s' * (count != 1)} for real?")


def _ask(question: str) -> bool:
    return click.confirm(question, default=False, err=True)


def _from_board(settings: Mapping[str, Any], port: str | None, as_json: bool) -> int:
    from . import from_board

    console = Console(stderr=as_json, highlight=False)
    with Console(stderr=True).status("The board tries the way to the mail server, for 2 minutes at most"):
        found = list(from_board.results(settings, port))
    if as_json:
        report.print_json([(settings["mail"]["option"], found)], with_option=False)
    else:
        report.show(f"From the board: {settings['mail']['host']}", found, console)
        report.show_end(found, console)
    return int(any(result.ok == FAIL for result in found))
