"""fleet.csv: one row a board, what is its own in the columns, the rest in a mote.toml.

The column `port` is a port, a URL, or the serial number of a USB port. `settings` names the mote.toml, from
the folder of the CSV file; where there is no such column all rows share one. `name` and `site` are those of
[device]. Any other column is a key of mote.toml as `mailmote check` writes it: `wifi.ssid`, `sensor[0].pin`,
`alarm[0].above`. An empty cell leaves the mote.toml as it is.
"""

import csv
import io
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mailmote.policy import fields

from ..errors import UsageError
from ..toml_lines import Path as Key

MAX_ROWS = 1000
_MAX_BYTES = 1 << 20
_PORT, _SETTINGS = "port", "settings"
_SHORT: dict[str, Key] = {"name": ("device", "name"), "site": ("device", "site")}
_COLUMN = re.compile(r"[a-z_][a-z0-9_]*(?:\[\d{1,2}\])?(?:\.[a-z_][a-z0-9_]*(?:\[\d{1,2}\])?)*")


class Row(NamedTuple):
    """`number` is the line of the file; `changes` what the row says in place of the mote.toml."""

    number: int
    port: str
    settings: Path
    changes: Mapping[Key, str]

    @property
    def name(self) -> str:
        return self.changes.get(_SHORT["name"], self.port)


def read(path: Path, settings: Path | None) -> list[Row]:
    """The rows. `settings` is the mote.toml of all rows that name none: beside the file unless given.

    Raises UsageError, which tells each fault with its line.
    """
    lines = [(number, cells) for number, cells in _lines(path) if any(cell.strip() for cell in cells)]
    if not lines:
        raise UsageError(f"{path} is empty. Its first line names the columns: port,name,site")
    header = [name.strip() for name in lines[0][1]]
    while header and not header[-1]:
        header.pop()  # a spreadsheet may save empty columns behind the last
    keys = _keys(path, lines[0][0], header)
    shared = settings or path.parent / "mote.toml"
    rows, faults = [], []
    for number, cells in lines[1:]:
        if any(cell.strip() for cell in cells[len(header) :]):
            faults.append(f"{path}:{number}: has {len(cells)} cells, and there are {len(header)} columns")
            continue
        row = {name: cell.strip() for name, cell in zip(header, cells, strict=False) if cell.strip()}
        if _PORT not in row:
            faults.append(f"{path}:{number}: has no port. Write the board's port or USB serial number")
            continue
        own = path.parent / row[_SETTINGS] if _SETTINGS in row else shared
        changes = {keys[name]: value for name, value in row.items() if name in keys}
        rows.append(Row(number, row[_PORT], own, changes))
    faults += twice(path, rows, "name", [row.changes.get(_SHORT["name"]) for row in rows])
    if not rows and not faults:
        faults.append(f"{path}: has no rows. Write one line a board below the names of the columns")
    if len(rows) > MAX_ROWS:
        faults.append(f"{path}: has {len(rows)} rows; at most {MAX_ROWS}. Make several files of it")
    if faults:
        raise UsageError("\n".join(faults))
    return rows


def twice(path: Path, rows: Sequence[Row], what: str, values: Iterable[str | None]) -> list[str]:
    """A fault for each row whose value (None for a row that has none) an earlier one has, too."""
    faults, seen = [], {}
    for row, value in zip(rows, values, strict=True):
        first = seen.setdefault(value, row.number)
        if value is not None and first != row.number:
            faults.append(f"{path}:{row.number}: has the {what} of line {first}. Give each its own")
    return faults


def apply(document: dict[str, Any], changes: Mapping[Key, str]) -> None:
    """Put the cells of a row in their places in a document of TOML. Raises UsageError for one without place.

    A cell is a text where a mote.toml has a text. Elsewhere it is a value of TOML, or a text if it is none.
    """
    for key, cell in changes.items():
        table: Any = document
        for part in key[:-1]:
            table = _inside(table, part, key, {})
        last = key[-1]
        before = _inside(table, last, key, None)
        value = cell if isinstance(before, str) else _value(cell)
        _put(table, last, value if isinstance(value, str) or not _is_text(key) else cell, key)


def column(key: Key) -> str:
    """A key as it is written above a column."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}. Check its name and permissions") from None
    if len(data) > _MAX_BYTES:
        raise UsageError(f"{path} is larger than {_MAX_BYTES >> 20} MiB. Is it the right file?")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text. Save it as CSV UTF-8 in the spreadsheet") from None


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Each row, with the number of its line. Raises UsageError for what is no CSV.

    No value of a mote.toml goes over several lines: where a cell does, a quote was forgotten.
    """
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    number = 1
    try:
        for cells in reader:
            if reader.line_num > number:
                break
            yield number, cells
            number += 1
        else:
            return
        fault = "a cell goes over several lines"
    except csv.Error as error:
        fault = str(error)
    raise UsageError(
        f"{path}:{number}: {fault}. Close each quote in its line, and save the file as CSV UTF-8"
    )


def _keys(path: Path, number: int, header: list[str]) -> dict[str, Key]:
    """The key of each column that is one of mote.toml."""
    if _PORT not in header:
        separator = " It seems to be parted by semicolons: save it with commas." if ";" in header[0] else ""
        raise UsageError(
            f"{path}:{number}: has no column {_PORT}.{separator} Name the columns: port,name,site"
        )
    keys: dict[str, Key] = {}
    for name in header:
        if header.count(name) > 1:
            raise UsageError(f"{path}:{number}: has the column {name!r} twice. Keep one of them")
        if name in (_PORT, _SETTINGS):
            continue
        if not _COLUMN.fullmatch(name):
            raise UsageError(
                f"{path}:{number}: {name!r} is no column. Write port, settings, name, site, or a key of "
                "mote.toml as in wifi.ssid or alarm[0].above"
            )
        parts = re.findall(r"[a-z_][a-z0-9_]*|\d+", name)
        keys[name] = _SHORT.get(name) or tuple(int(part) if part.isdigit() else part for part in parts)
    return keys


def _inside(table: Any, part: str | int, key: Key, missing: Any) -> Any:
    """What stands there; a key that a table lacks is made, unless `missing` is None."""
    if isinstance(table, dict) and isinstance(part, str):
        return table.get(part) if missing is None else table.setdefault(part, missing)
    try:
        return table[part]
    except (KeyError, IndexError, TypeError):
        raise _no_place(key) from None


def _put(table: Any, part: str | int, value: Any, key: Key) -> None:
    if not isinstance(table, dict | list):  # a text has parts too, and none can be replaced
        raise _no_place(key)
    table[part] = value  # pyright: ignore[reportArgumentType, reportCallIssue] - what `_inside` took


def _is_text(key: Key) -> bool:
    """Whether the settings know that a value is a text: 1001 is a name as well."""
    rows = next((rows for table, rows, *_ in fields.TABLES if table == key[0]), ())
    return any(row[0] == key[-1] and row[-1].startswith('"') for row in rows)


def _no_place(key: Key) -> UsageError:
    return UsageError(
        f"the column {column(key)} has no place in the mote.toml: there is no such table. Add it there first"
    )


def _value(cell: str) -> Any:
    try:
        return tomllib.loads(f"value = {cell}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return cell
