"""The command `mailmote`: the table of commands, and the one place where an error becomes an exit code.

Exit codes: 0 done, 1 the work failed, 2 wrong usage, 130 stopped by Ctrl-C; of a fleet, the number of boards
that failed. A command's module has `command`,
a click.Command whose function returns its exit code, or None for 0; it is imported when it is called.

With --json a command's result is one value of JSON on standard output, and so is the error that it ends
with: an object whose only key is `error`.
"""

import contextlib
import difflib
import io
import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

import mailmote

from .errors import HostError, in_words

_DONE, _FAILED, _STOPPED = 0, 1, 130
_STREAMS = ("monitor", "sandbox", "virtual-board")  # which print a line of JSON for each event

# Command: (module, what it does), in the order of --help.
COMMANDS = {
    "init": ("init.command", "ask a few questions and write a commented mote.toml"),
    "check": ("check", "validate a mote.toml and show its effective settings"),
    "doctor": ("doctor.command", "check DNS, SPF, ports, TLS and sign-in for a mote.toml"),
    "run": ("board.commands.run", "flash if needed, provision, send a test mail, follow the log"),
    "devices": ("board.commands.devices", "list serial ports and what runs on them"),
    "boards": ("board.commands.boards", "list the boards that mailmote knows"),
    "firmware": ("board.commands.firmware", "list, fetch and verify images of MicroPython"),
    "flash": ("board.commands.flash", "put MicroPython on a board"),
    "provision": ("board.commands.provision", "put firmware, settings and secrets on a board, or on many"),
    "update": ("board.commands.update", "renew the firmware of mailmote on a board, and nothing else"),
    "secrets": ("board.commands.secrets", "set, forget or list the secrets on a board"),
    "monitor": ("board.commands.monitor", "follow the log of a board"),
    "status": ("board.commands.status", "ask a running board how it is"),
    "alerts": ("board.commands.alerts", "list the alerts that wait on a board, and those that were refused"),
    "test-mail": ("board.commands.test_mail", "have a running board send a test mail"),
    "backup": ("board.commands.backup", "copy the files of a board to this computer"),
    "explain": (
        "doctor.explain",
        "say what a reply, an error number or a line of a log means, and what to do",
    ),
    "sandbox": ("tenant.sandbox", "run a fake Microsoft 365 tenant on this computer"),
    "virtual-board": (
        "virtual.command",
        "run a board on this computer that esptool and mpremote take for one",
    ),
    "demo": (
        "demo.command",
        "recorded readings become alert mail through each of the three options, with no hardware",
    ),
    "simulate": ("simulate.command", "run many boards in virtual time, with faults, and count what arrives"),
    "completion": ("completion", "print the script that completes mailmote's commands in a shell"),
}


class _Commands(click.Group):
    """Imports a command's module when that command is called: some bring libraries that take a moment."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f".{COMMANDS[cmd_name][0]}", __package__).command
        command.name = cmd_name
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            if not near:
                raise
            raise click.UsageError(f"{error.message} Did you mean '{near[0]}'?", ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])


EXAMPLE = """\b
Example:
  mailmote init                       asks a few questions, writes mote.toml
  mailmote run                        from a bare board on USB to its first mail
  mailmote monitor                    what the board says
  mailmote sandbox                    a tenant to try it with, on this computer"""


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXAMPLE)
@click.version_option(mailmote.__version__, prog_name="mailmote", message="%(prog)s %(version)s")
def mailmote_command() -> None:
    """Boards that watch sensors and mail alerts through Microsoft 365."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code. No exception but SystemExit of a completion leaves it."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    said_by = " ".join(["mailmote", *(word for word in arguments[:1] if word in COMMANDS)])
    in_json = "--json" in arguments and arguments[0] not in _STREAMS

    def end(text: str, code: int) -> int:
        return _end(text, said_by, code, in_json)

    _write_anything()
    try:
        return mailmote_command.main(arguments, prog_name="mailmote", standalone_mode=False) or _DONE
    except click.exceptions.Exit as asked:
        return asked.exit_code
    except click.UsageError as error:
        error.show()
        _tell_in_json(error.format_message(), in_json)
        return error.exit_code
    except click.ClickException as error:
        return end(error.format_message(), error.exit_code)
    except HostError as error:
        return end(str(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return end("stopped.", _STOPPED)
    except BrokenPipeError:
        _forget_output()
        return _FAILED
    except Exception as error:
        return end(in_words(error), _FAILED)


def _write_anything() -> None:
    """Escape what the encoding of the output has no character for, as that of a Windows console has not."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _end(text: str, said_by: str, code: int, in_json: bool) -> int:
    with contextlib.suppress(OSError):
        print(f"{said_by}: {text}", file=sys.stderr)
    _tell_in_json(text, in_json)
    return code


def _tell_in_json(text: str, in_json: bool) -> None:
    if not in_json:
        return
    try:
        print(json.dumps({"error": text}), flush=True)
    except OSError:
        _forget_output()


def _forget_output() -> None:
    """Whoever read the output has gone, and Python would complain at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
