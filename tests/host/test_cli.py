"""The command line as a whole: the table of commands, their help, completion, and how errors end."""

import json
import os
import re
import subprocess
import sys

import click
import pytest
from mailmote_program import MAILMOTE
from mote_file import MOTE

from mailmote_host import cli
from mailmote_host.errors import HostError, UsageError


def commands():
    """(the words that call it, the command), those of groups too."""
    context = click.Context(cli.mailmote_command)
    for name in cli.COMMANDS:
        command = cli.mailmote_command.get_command(context, name)
        yield (name,), command
        if isinstance(command, click.Group):
            for inner, part in command.commands.items():
                yield (name, inner), part


@pytest.fixture
def fails(monkeypatch):
    """Make `mailmote check` raise what is given."""

    def make(error):
        @click.command()
        @click.option("--json", "as_json", is_flag=True)
        def command(as_json):
            raise error

        monkeypatch.setattr("mailmote_host.check.command", command)

    return make


@pytest.mark.parametrize("words", [()] + [words for words, _ in commands()], ids=" ".join)
def test_each_command_has_help_and_a_leaf_has_an_example_that_parses(words, capsys):
    assert cli.main([*words, "--help"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("Usage: mailmote")
    shown = told.partition("Example:")[2]
    examples = re.findall(r"^.*?mailmote (.*?)(?:   .*)?$", shown, re.MULTILINE)
    examples = [example for example in examples if example.split()[: len(words)] == list(words)]
    assert examples
    command = dict(commands()).get(words)
    if command is None or isinstance(command, click.Group):
        return
    for example in examples:
        known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
        assert set(re.findall(r"(?<=\s)--?[a-z][a-z-]*", example)) <= known


def test_the_words_of_the_table_begin_small_and_end_without_a_stop():
    told = [words for _, words in cli.COMMANDS.values()]
    assert [words for words in told if not words[0].islower() or words.endswith(".")] == []


ERRORS = pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (
            HostError("the board is silent. Press reset."),
            1,
            "mailmote check: the board is silent. Press reset.",
        ),
        (UsageError("no such option"), 2, "mailmote check: no such option"),
        (click.UsageError("no such thing"), 2, "Error: no such thing"),
        (click.FileError("mote.toml", "why"), 1, "mailmote check: Could not open file 'mote.toml': why"),
        (KeyboardInterrupt(), 130, "mailmote check: stopped."),
        (click.Abort(), 130, "mailmote check: stopped."),
        (OSError(28, "No space left on device", "x"), 1, "Check the path, its permissions and the disk."),
    ],
)


@ERRORS
def test_an_error_is_a_line_and_a_code(fails, capsys, error, code, told):
    fails(error)
    assert cli.main(["check"]) == code
    out, err = capsys.readouterr()
    assert told in err
    assert (out, "Traceback" in err) == ("", False)


@ERRORS
def test_with_json_an_error_is_one_value_on_standard_output_too(fails, capsys, error, code, told):
    fails(error)
    assert cli.main(["check", "--json"]) == code
    out, err = capsys.readouterr()
    assert told in err
    said = json.loads(out)
    assert list(said) == ["error"]
    assert said["error"] in err


FAILING = [
    ("check nowhere.toml", 2),
    ("doctor nowhere.toml", 2),
    ("init --nonsense", 2),
    ("devices --port /nowhere", 1),
    ("boards nowhere", 2),
    ("firmware list --board nowhere", 2),
    ("firmware fetch --board nowhere", 2),
    ("firmware verify /nowhere", 1),
    ("flash --port /nowhere --yes", 1),
    ("provision nowhere.toml", 2),
    ("provision nowhere.csv", 2),
    ("update --port /nowhere", 1),
    ("secrets list --port /nowhere", 1),
    ("secrets set nonsense", 2),
    ("secrets forget wifi.password --port /nowhere", 1),
    ("run nowhere.toml", 2),
    ("status --port /nowhere", 1),
    ("alerts --port /nowhere", 1),
    ("test-mail --port /nowhere", 1),
    ("backup --port /nowhere", 1),
    ("explain Tuesday", 1),
    ("explain --log /nowhere", 2),
    ("demo --nonsense", 2),
    ("simulate --nonsense", 2),
]


@pytest.mark.parametrize(("arguments", "code"), FAILING)
def test_with_json_what_fails_prints_one_value(arguments, code, capsys):
    assert cli.main([*arguments.split(), "--json"]) == code
    json.loads(capsys.readouterr().out)


def test_a_value_and_a_stream_without_end_are_not_asked_for_together(capsys):
    assert cli.main(["run", "nowhere.toml", "--json", "--follow"]) == 2
    assert "Leave one out." in json.loads(capsys.readouterr().out)["error"]


def test_each_command_with_json_was_looked_at():
    looked_at = {tuple(arguments.split()) for arguments, _ in FAILING}
    for words, command in commands():
        if any("--json" in one.opts for one in command.params) and words[0] not in cli._STREAMS:
            assert any(arguments[: len(words)] == words for arguments in looked_at), words


def test_a_fault_of_our_own_is_told_by_its_place_and_never_by_its_text(fails, capsys):
    fails(RuntimeError("canary-secret"))
    assert cli.main(["check"]) == 1
    told = capsys.readouterr().err
    assert re.search(r"fault of mailmote itself \(RuntimeError in test_cli\.py line \d+\)", told)
    assert "canary" not in told
    assert "Traceback" not in told


def test_a_wrong_word_is_wrong_usage(capsys):
    assert cli.main(["chek"]) == 2
    assert "No such command 'chek'. Did you mean 'check'?" in capsys.readouterr().err
    assert cli.main(["nonsense"]) == 2
    assert "mean" not in capsys.readouterr().err


def test_a_reader_that_goes_away_ends_the_command_quietly():
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*MAILMOTE, "--help"], stdout=write, stderr=subprocess.PIPE, timeout=60, check=False
    )
    os.close(write)
    assert done.stderr == b""


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_what_the_output_has_no_character_for_is_escaped(encoding, tmp_path):
    """The console of an older Windows has a few hundred characters."""
    done = subprocess.run(
        [*MAILMOTE, "provision", "łódź ✓ \N{SNOWFLAKE}\N{THERMOMETER}.toml", "--json"],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert "łódź ✓ \N{SNOWFLAKE}\N{THERMOMETER}.toml" in json.loads(done.stdout)["error"]
    assert "łódź".encode(encoding, "backslashreplace") in done.stderr
    (tmp_path / "mote.toml").write_text(MOTE.replace('"freezer-3"', '"freezer-3"\nsite = "Łódź ✓"'))
    done = subprocess.run(
        [*MAILMOTE, "check", str(tmp_path / "mote.toml")],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert "Łódź ✓".encode(encoding, "backslashreplace") in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_completion(shell, capsys):
    assert cli.main(["completion", shell]) == 0
    assert "_MAILMOTE_COMPLETE" in capsys.readouterr().out


def test_what_was_begun_is_completed():
    asked = {"_MAILMOTE_COMPLETE": "bash_complete", "COMP_WORDS": "mailmote virtual-", "COMP_CWORD": "1"}
    program = "import sys; from mailmote_host.cli import main; sys.exit(main([]))"
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | asked, capture_output=True, timeout=60, check=False
    )
    assert done.stdout == b"plain,virtual-board\n"


def test_help_does_not_load_what_only_a_command_needs():
    program = (
        "import sys; from mailmote_host.cli import main; main(['--help']); "
        "sys.exit(' '.join({'cryptography', 'msal', 'requests', 'serial', 'rich'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
