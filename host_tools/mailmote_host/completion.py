"""`mailmote completion bash`: the script that makes a shell complete mailmote's commands and options."""

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "zsh", "fish")

EXAMPLE = """\b
Example:
  eval "$(mailmote completion bash)"        in ~/.bashrc
  mailmote completion fish > ~/.config/fish/completions/mailmote.fish"""


@click.command(epilog=EXAMPLE)
@click.argument("shell", type=click.Choice(_SHELLS))
def command(shell: str) -> None:
    """Print the script that completes mailmote's commands in a shell."""
    from .cli import mailmote_command

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - each of the shells above has one
    click.echo(kind(mailmote_command, {}, "mailmote", "_MAILMOTE_COMPLETE").source())
