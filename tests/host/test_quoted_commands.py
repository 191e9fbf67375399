"""Each `mailmote COMMAND --option` that a text quotes is one that there is."""

import ast
import re
import shlex
from pathlib import Path

import click
import pytest

from mailmote_host.cli import mailmote_command

ROOT = Path(__file__).parents[2]
_BETWEEN_BACKTICKS = re.compile(r"(?<!`)`(mailmote(?: [^`\n]*)?)`")
# A line of an example: variables may stand before it, and words about it, or a shell's own, behind it.
_LINE = re.compile(r"^\s*(?:\$ |PS> |> )?(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?(mailmote [a-z-].*)$")
_END = re.compile(r"\s{3,}|\s#|\s\d?[<>|&;]|\s\\$|\[\w|…")
_PROSE = (".", ":")
_ANYTHING = "ANYTHING"  # in the place of what a program puts into its text
_COMMAND = re.compile(r"[a-z][a-z-]*")


def texts():
    """(place, text): the strings of the programs, and the whole of other files."""
    for folder in ("host_tools", "firmware"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for line, text in strings(ast.parse(path.read_text(encoding="utf-8"))):
                yield f"{path.relative_to(ROOT)}:{line}", text
    others = [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("boards/*.toml")]
    for path in sorted([*others, *ROOT.glob("docs/**/*.toml")]):
        yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def strings(tree):
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (str(part.value) if isinstance(part, ast.Constant) else _ANYTHING for part in node.values)
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node.lineno, node.value


def quoted(text):
    """The command lines in a text, without what is behind them."""
    found = _BETWEEN_BACKTICKS.findall(text)
    if "\n" in text:
        lines = (line[1] for line in map(_LINE.match, text.splitlines()) if line)
        found += [line for line in lines if "`" not in line and not line.endswith(_PROSE)]
    return [_END.split(one)[0] for one in found]


def fault(command_line):
    """What is wrong with it; "" if nothing is."""
    words = shlex.split(command_line)[1:]
    command = mailmote_command
    while words and isinstance(command, click.Group) and _COMMAND.fullmatch(words[0]):
        inner = command.get_command(click.Context(command), words[0])
        if inner is None:
            return f"there is no command {words[0]}"
        command = inner
        words.pop(0)
    known = {"-h", "--help"}
    for parameter in command.params:
        known.update(parameter.opts, parameter.secondary_opts)
    for word in words:
        if word.startswith("-") and word != "-" and word.partition("=")[0] not in known:
            return f"{command.name} has no option {word}"
    return ""


FOUND = sorted({(place, line) for place, text in texts() for line in quoted(text)})


def test_there_are_such_texts_of_each_kind():
    places = {place.partition("/")[0] for place, _ in FOUND}
    assert {"README.md", "docs", "firmware", "host_tools"} <= places
    assert len(FOUND) > 100


def test_each_command_that_is_quoted_is_there_with_its_options():
    faults = [f"{place}: {line}: {told}" for place, line in FOUND if (told := fault(line))]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("command_line", "told"),
    [
        ("mailmote provision fleet.csv --at-once=8", ""),
        ("mailmote secrets set wifi.password --from env", ""),
        ("mailmote flash --no-erase -y", ""),
        ("mailmote provission", "no command provission"),
        ("mailmote secrets put wifi.password", "no command put"),
        ("mailmote secrets set wifi.password --secrets-from env", "set has no option --secrets-from"),
        ("mailmote monitor --follow", "monitor has no option --follow"),
    ],
)
def test_what_is_not_there_is_found(command_line, told):
    assert fault(command_line).endswith(told)
    assert bool(fault(command_line)) == bool(told)
