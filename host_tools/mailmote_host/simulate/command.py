"""`mailmote simulate`: many boards, days of faults, in seconds: is every alert delivered?"""

import json
import sys

import click

from ..errors import UsageError
from .plan import FAULTS

_MOST_BOARDS = 2000
_NOTHING = "none"

EXAMPLE = """\b
Example:
  mailmote simulate
  mailmote simulate --boards 50 --days 14 --seed 7 --faults power,network
  mailmote simulate --scenario outage --boards 500
  mailmote simulate --seed 7 --json"""


@click.command(epilog=EXAMPLE)
@click.option("--boards", type=click.IntRange(1, _MOST_BOARDS), help="how many (20; outage: 500)")
@click.option("--days", type=click.FloatRange(0.01, 366), help="virtual days with faults (7; outage: 1/4)")
@click.option("--seed", type=int, default=1, show_default=True, help="the same seed is the same run")
@click.option(
    "--faults", metavar="LIST", help=f"what goes wrong: {','.join(FAULTS)}, {_NOTHING} (all; outage: none)"
)
@click.option(
    "--scenario",
    type=click.Choice(["faults", "outage"]),
    default="faults",
    show_default=True,
    help="outage: no Wi-Fi at the whole site for all those days, then it is back",
)
@click.option("--json", "as_json", is_flag=True, help="print the result as one JSON object")
def command(
    boards: int | None, days: float | None, seed: int, faults: str | None, scenario: str, as_json: bool
) -> int:
    """Run the firmware of many boards on this computer, in virtual time, and count what arrives.

    It is the firmware's own code, from the readings to the SMTP dialogue. The clock, the flash, the network
    and the sensors are simulated, and the mailbox is that of the fake tenant. TLS and OAuth are not
    simulated. What goes wrong, and when, comes from the seed.

    Exit code 0: nothing was lost, and each duplicate is explained; 1: something was lost, came twice for no
    reason, or crashed.
    """
    from . import outage, run
    from .plan import Plan
    from .progress import Bar
    from .table import show

    kinds = _kinds(faults)
    if scenario == "outage":
        plan = outage.plan(seed, days or outage.DAYS, kinds or ())
        wanted = outage.scenario(plan, boards or outage.BOARDS)
    else:
        plan = Plan(seed, days or 7, FAULTS if kinds is None else kinds)
        wanted = run.scenario(plan, boards or 20)
    with Bar() as bar:
        result = run.run(wanted, plan, bar.tell)
    if as_json:
        click.echo(json.dumps(result.to_json(), indent=2))
    else:
        show(result)
    if not result.good:
        print(_verdict(result.lost, result.unexplained, len(result.crashes), seed), file=sys.stderr)
    return 0 if result.good else 1


def _kinds(faults: str | None) -> tuple[str, ...] | None:
    if faults is None:
        return None
    names = [name.strip() for name in faults.split(",") if name.strip()]
    if names == [_NOTHING]:
        return ()
    for name in names:
        if name not in FAULTS:
            raise UsageError(f'"{name}" is no kind of fault. Use some of {", ".join(FAULTS)}, or {_NOTHING}.')
    return tuple(kind for kind in FAULTS if kind in names)


def _verdict(lost: int, unexplained: int, crashes: int, seed: int) -> str:
    return (
        f"mailmote simulate: {lost} alerts were lost, {unexplained} mails came for no reason, there were "
        f"{crashes} crashes. This is a fault of mailmote: please report the command, with the seed {seed}."
    )
