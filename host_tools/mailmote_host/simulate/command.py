"""`mailmote simulate`: many boards, days of faults, in seconds: is every alert delivered?"""

import json
import sys
from typing import Any

import click

from ..errors import UsageError
from .plan import FAULTS

_MOST_BOARDS = 2000
_NOTHING = "none"
_USUAL = (20, 7.0, FAULTS)  # boards, days, faults
_OUTAGE = (500, 0.25, ())

EXAMPLE = """\b
Example:
  mailmote simulate
  mailmote simulate --boards 50 --days 14 --seed 7 --faults power,network
  mailmote simulate --boards 4 --days 3 --runs 200
  mailmote simulate --scenario outage
  mailmote simulate --seed 7 --json"""


@click.command(epilog=EXAMPLE)
@click.option("--boards", type=click.IntRange(1, _MOST_BOARDS), help="how many (20; outage: 500)")
@click.option("--days", type=click.FloatRange(0.01, 366), help="virtual days with faults (7; outage: 0.25)")
@click.option("--seed", type=int, default=1, show_default=True, help="the same seed is the same run")
@click.option("--runs", type=click.IntRange(1), default=1, help="so many, of that seed and the next ones")
@click.option(
    "--faults", metavar="LIST", help=f"what goes wrong: {','.join(FAULTS)}, or {_NOTHING} (all; outage: none)"
)
@click.option(
    "--scenario",
    type=click.Choice(["usual", "outage"]),
    default="usual",
    show_default=True,
    help="outage: no Wi-Fi at the whole site for all those days, then it is back",
)
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    help="each board's mailbox_share (an equal part)",
)
@click.option("--json", "as_json", is_flag=True, help="print the result as one JSON object")
def command(
    boards: int | None,
    days: float | None,
    seed: int,
    runs: int,
    faults: str | None,
    scenario: str,
    share: float | None,
    as_json: bool,
) -> int:
    """Run the firmware of many boards on this computer, in virtual time, and count what arrives.

    It is the firmware's own code, from the readings to the SMTP dialogue. The clock, the flash, the network
    and the sensors are simulated, and the mailbox is that of the fake tenant. TLS and OAuth are not
    simulated. What goes wrong, and when, comes from the seed.

    Exit code 0: nothing was lost, and each duplicate is explained; 1: something was lost, came twice for no
    reason, or crashed.
    """
    from . import table
    from .progress import Bar
    from .runs import Wanted, play, several, together

    usual = _OUTAGE if scenario == "outage" else _USUAL
    kinds = usual[2] if faults is None else _kinds(faults)
    wanted = Wanted(boards or usual[0], days or usual[1], seed, kinds, scenario == "outage", share)
    with Bar() as bar:
        if runs == 1:
            found = play(wanted, bar.tell).to_json()
        else:
            found = together(several([wanted._replace(seed=seed + n) for n in range(runs)], bar.tell))
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        table.show(found)
    bad = bool(found["failed_seeds"])
    if bad:
        print(_verdict(found), file=sys.stderr)
    return 1 if bad else 0


def _kinds(faults: str) -> tuple[str, ...]:
    names = [name.strip() for name in faults.split(",") if name.strip()]
    if names == [_NOTHING]:
        return ()
    for name in names:
        if name not in FAULTS:
            raise UsageError(f'"{name}" is no kind of fault. Use some of {", ".join(FAULTS)}, or {_NOTHING}.')
    return tuple(kind for kind in FAULTS if kind in names)


def _verdict(found: dict[str, Any]) -> str:
    counts = (
        f"{found['lost']} alerts lost, {found['duplicates']} mails came twice for {found['interrupted']} "
        f"interruptions ({found['unexplained']} for none), {len(found['crashes'])} crashes"
    )
    seeds = ", ".join(map(str, found["failed_seeds"]))
    return (
        f"mailmote simulate: {counts}. This is a fault of mailmote: please report the command, "
        f"with the seed: {seeds}."
    )
