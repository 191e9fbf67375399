"""The command `mailmote`: the table of commands, and the one place where an error becomes an exit code.

Exit codes: 0 done, 1 the work failed, 2 wrong usage.
"""

import argparse
import sys
from importlib import import_module

import mailmote

from .errors import HostError

# Command: (module, what it does). The module has add_arguments(parser) and run(arguments) -> exit code.
COMMANDS = {
    "demo": (
        "demo.command",
        "recorded readings become alert mail through each of the three options, with no hardware",
    ),
    "check": ("check", "validate a mote.toml and show its effective settings"),
    "explain": ("doctor.explain", "say what a server's reply means and what to do"),
    "sandbox": ("tenant.sandbox", "run a fake Microsoft 365 tenant on this computer"),
}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="mailmote", description="Boards that watch sensors and mail alerts through Microsoft 365."
    )
    parser.add_argument("--version", action="version", version=f"mailmote {mailmote.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, words) in COMMANDS.items():
        command = commands.add_parser(name, help=words, description=words[0].upper() + words[1:] + ".")
        body = import_module(f".{module}", __package__)
        body.add_arguments(command)
        command.set_defaults(run=body.run)
    arguments = parser.parse_args(argv)
    try:
        return arguments.run(arguments)
    except HostError as error:
        print(f"mailmote {arguments.command}: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(
            f"mailmote {arguments.command}: {error}. Check the path, its permissions and the disk.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print(f"mailmote {arguments.command}: stopped.", file=sys.stderr)
        return 130
