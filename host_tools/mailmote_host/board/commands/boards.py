"""`mailmote boards`: the boards that mailmote knows."""

import json

import click

from .. import boards
from . import options

EXAMPLE = """\b
Example:
  mailmote boards
  mailmote boards esp32-c3
  mailmote boards --json"""


@click.command(epilog=EXAMPLE)
@click.argument("name", required=False)
@options.as_json
def command(name: str | None, as_json: bool) -> None:
    """List the boards that mailmote knows, or show one wholly: the pins to use and those to avoid."""
    if name:
        board = boards.named(name)
        _print_json(board.to_json()) if as_json else _show(board)
    elif as_json:
        _print_json([board.to_json() for board in boards.known()])
    else:
        _list(boards.known())


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2))


def _list(known: tuple[boards.Board, ...]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("Name", "Chip", "Flash, PSRAM", "Board"):
        table.add_column(column, no_wrap=column != "Board")
    for board in known:
        table.add_row(board.name, board.chip, _sizes(board), board.title)
    console = Console()
    console.print(table)
    console.print(
        "\n`mailmote boards NAME` shows one wholly. A board that is not here runs the image of its chip."
    )


def _show(board: boards.Board) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in _facts(board):
        table.add_row(label, text)
    Console().print(board.title, style="bold", highlight=False)
    Console().print(table, highlight=False)


def _facts(board: boards.Board) -> list[tuple[str, str]]:
    pins = board.pins
    facts = [
        ("chip", board.chip),
        ("image", f"{board.image.id}, written at 0x{board.image.offset:x}"),
        ("memory", _memory(board)),
        ("USB", f"{_USB[board.usb]} ({', '.join(board.usb_ids)})"),
        ("pins to use", _numbers(pins.use)),
        ("  analog", _numbers(pins.adc)),
        ("  input only", _numbers(pins.input_only)),
        ("  I2C", "SDA {}, SCL {}".format(*pins.i2c) if pins.i2c else ""),
    ]
    for at, avoided in enumerate(pins.avoid):
        facts.append(("pins to avoid" if not at else "", f"{_numbers(avoided.pins)}: {avoided.words}"))
    if board.led:
        facts.append(("LED", _joined(f"GPIO{board.led.pin}, {_LEDS[board.led.kind]}", board.led.note)))
    if board.battery:
        ratio = f"GPIO{board.battery.pin} × {board.battery.ratio:g}"
        facts.append(("battery", _joined(ratio, board.battery.note)))
    facts += [("note", note) for note in board.notes]
    facts += [("source" if not at else "", source) for at, source in enumerate(board.sources)]
    return [(label, text) for label, text in facts if text]


_USB = {
    "bridge": "a bridge chip",
    "native": "its own, which vanishes while the board resets",
    "both": "a bridge chip, its own, or both",
}
_LEDS = {
    "plain": "lit by a high level",
    "plain-low": "lit by a low level",
    "neopixel": "RGB, of the kind of NeoPixel",
    "dotstar": "RGB, of the kind of DotStar",
}


def _joined(text: str, note: str) -> str:
    return f"{text}; {note}" if note else text


def _sizes(board: boards.Board) -> str:
    return f"{board.flash_mb}, {board.psram_mb} MB" if board.psram_mb else f"{board.flash_mb} MB"


def _memory(board: boards.Board) -> str:
    flash = f"{board.flash_mb} MB flash"
    return f"{flash}, {board.psram_mb} MB {board.psram_bus} PSRAM" if board.psram_mb else flash


def _numbers(pins: tuple[int, ...]) -> str:
    """Runs of three or more as 4–7."""
    runs: list[list[int]] = []
    for pin in sorted(pins):
        if runs and runs[-1][-1] == pin - 1:
            runs[-1].append(pin)
        else:
            runs.append([pin])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)
