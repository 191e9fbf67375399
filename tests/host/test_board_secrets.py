"""Secrets over the serial link, on a board in a process; and a canary that nothing but the store may hold."""

import base64
import secrets as randomness
import threading
import traceback
from pathlib import Path

import pytest

from mailmote.store import secrets as store
from mailmote_host.board import firmware, link, secrets
from mailmote_host.errors import HostError
from mailmote_host.virtual.serial_board import SerialBoard

NAME = "mail.password"
ODD = b"p\xc3\xa4ss %s %% ' \" \\ \r\n\x00\x01\x02\x03\x04\x05\xff"
# So much that no other secret of 2000 bytes has room in the NVS.
FULL = {"relay.cert": bytes(6144), "relay.key": bytes(6144), "oauth.refresh": bytes(5600)}


@pytest.fixture
def boards():
    """Those that are still plugged in."""
    plugged_in = []
    yield plugged_in
    for board in list(plugged_in):
        unplug(plugged_in, board)


def unplug(boards, board):
    """The port goes away with all that is behind it."""
    boards.remove(board)
    board.__exit__(None, None, None)


@pytest.fixture
def make(tmp_path, boards):
    """A board that runs mailmote's firmware, but for its main.py. A file that is None is left out."""

    def make(kept=None, **files):
        content = {**firmware.files(), "main.py": b"", **files}
        content = {name: data for name, data in content.items() if data is not None}
        boards.append(SerialBoard(tmp_path / "board", content, kept))
        boards[-1].start()
        return boards[-1]

    return make


@pytest.mark.parametrize("value", [b"x", ODD, bytes(range(256)) * 24], ids=["one", "odd", "longest"])
def test_a_secret_arrives_as_it_is_and_can_be_compared_replaced_and_forgotten(make, value):
    board = make()
    with link.open(board.port) as opened:
        assert secrets.names(opened) == ()
        assert not secrets.matches(opened, NAME, value)
        secrets.put(opened, NAME, value)
        secrets.put(opened, "wifi.password", b"other")
        assert board.secrets == {NAME: value, "wifi.password": b"other"}
        assert secrets.names(opened) == ("wifi.password", NAME)
        assert secrets.matches(opened, NAME, value)
        assert not secrets.matches(opened, NAME, value + b"x")
        assert not secrets.matches(opened, NAME, value[:-1])
        secrets.put(opened, NAME, b"new")
        assert board.secrets[NAME] == b"new"
        assert secrets.forget(opened, NAME)
        assert not secrets.forget(opened, NAME)
        assert board.secrets == {"wifi.password": b"other"}


def test_the_longest_that_is_sent_is_more_than_the_board_keeps():
    assert store.MAX_BYTES < secrets._MAX_SENT_BYTES


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("mail.passwort", b"x", "keeps no secret named mail.passwort. .*correct this one"),
        ("n\u00e9\ud800' + 1/0 + '", b"x", "keeps no secret named n"),
        (NAME, b"", "has 0 bytes, and can have 1 to 6144. Nothing was stored. See that all of it"),
        (NAME, bytes(6145), "has 6145 bytes, and can have 1 to 6144. Nothing was stored"),
        (NAME, bytes(9000), "has 9000 bytes, more than a board keeps. Nothing was sent. See that all of it"),
    ],
    ids=["unknown", "odd name", "empty", "long", "longer"],
)
def test_what_the_board_refuses_is_told_in_its_words(make, name, value, text):
    board = make()
    with link.open(board.port) as opened, pytest.raises(secrets.SecretError, match=text) as caught:
        secrets.put(opened, name, value)
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert board.secrets == {}


def test_text_is_no_secret(make):
    board = make()
    with link.open(board.port) as opened, pytest.raises(TypeError):
        secrets.put(opened, NAME, "text")
    assert board.secrets == {}


def test_an_older_one_stays_where_the_new_one_finds_no_room(make):
    board = make({**FULL, NAME: b"older"})
    with link.open(board.port) as opened:
        with pytest.raises(
            secrets.SecretError,
            match="could not be stored .* full or failing.* The older mail.password is still in its place.$",
        ) as caught:
            secrets.put(opened, NAME, bytes(2000))
        assert secrets.matches(opened, NAME, b"older")
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert board.secrets[NAME] == b"older"


def store_that(**bodies):
    """The firmware with a store of secrets in which these functions, of `name` and `value`, are others."""
    files = firmware.files()
    lines = ["from mailmote.store.real import *"]
    lines += [f"def {name}(name, value=None):\n    {body}" for name, body in bodies.items()]
    return {
        "lib/mailmote/store/real.mpy": files["lib/mailmote/store/secrets.mpy"],
        "lib/mailmote/store/secrets.mpy": None,
        "lib/mailmote/store/secrets.py": "\n".join(lines).encode(),
    }


def test_a_board_that_keeps_something_else_is_found_out(make):
    with (
        link.open(make(**store_that(put="__import__('mailmote.store.real')")).port) as opened,
        pytest.raises(secrets.SecretError, match="keeps something else than it was given as mail.password"),
    ):
        secrets.put(opened, NAME, b"x")


def test_an_older_one_that_is_gone_is_told(make):
    """Nothing promises that a flash at its end keeps the older value."""
    broken = "from mailmote.store import real; real.forget(name); raise OSError(5)"
    board = make({NAME: b"older"}, **store_that(put=broken))
    with (
        link.open(board.port) as opened,
        pytest.raises(
            HostError, match=r"met an error \(OSError\).* The older mail.password is gone: put it again.$"
        ),
    ):
        secrets.put(opened, NAME, b"new")


def test_a_link_that_breaks_leaves_the_older_one_unknown(make, boards):
    """The port goes away in the middle."""
    board = make({NAME: b"older"})
    with link.open(board.port) as opened:
        run = opened.run

        def run_until_put(code, timeout_s):
            if "secrets.put" in code:
                unplug(boards, board)
            return run(code, timeout_s)

        opened.run = run_until_put
        with pytest.raises(HostError, match="went away.* could not be asked: put it again.$"):
            secrets.put(opened, NAME, b"new")


def test_a_board_without_mailmote(make):
    board = make(**{"lib/mailmote/store/secrets.mpy": None})
    with link.open(board.port) as opened, pytest.raises(link.CodeError, match="ImportError.* provision`"):
        secrets.names(opened)


def test_a_board_of_another_version(make):
    files = {"lib/mailmote/store/secrets.mpy": None, "lib/mailmote/store/secrets.py": b""}
    with link.open(make(**files).port) as opened, pytest.raises(link.CodeError, match="of another version"):
        secrets.names(opened)


@pytest.mark.parametrize("answer", ["print('odd')", "print('[]')", "print('{}')", "print('\\xff')", ""])
def test_an_answer_that_is_none(make, monkeypatch, answer):
    monkeypatch.setattr(secrets, "_PROGRAM", f"# %s\n{answer}")
    with link.open(make().port) as opened, pytest.raises(link.CodeError, match="no answer"):
        secrets.names(opened)


class Watch:
    """The command lines of all processes of this computer, looked at all the time, in a thread."""

    def __init__(self):
        self.command_lines = set()
        self.looks = 0
        self._end = threading.Event()
        self._looked = threading.Condition()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self):
        while not self._end.is_set():
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.command_lines.add(path.read_bytes())
                except OSError:
                    continue  # it has ended
            with self._looked:
                self.looks += 1
                self._looked.notify_all()

    def look(self):
        """Wait for a whole look that begins now."""
        with self._looked:
            wanted = self.looks + 2
            assert self._looked.wait_for(lambda: self.looks >= wanted, 30)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._end.set()
        self._thread.join()


def chain(error):
    """An exception and all that hang on to it, with what they hold."""
    seen = []
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and one not in seen:
            seen.append(one)
            waiting += [one.__cause__, one.__context__]
    texts = [f"{one} {one!r} {one.args!r} {vars(one)!r}" for one in seen]
    return texts + ["".join(traceback.format_exception(error))]


def history(opened):
    """What the up arrow brings back at the prompt of the board, before it is let go."""
    port = opened._transport.serial
    opened._transport.exit_raw_repl()
    port.write(b"'typed' + '-line'\r")
    said = b""
    while b"'typed-line'\r\n>>> " not in said:
        said += port.read(1)
    port.write(b"\x1b[A" * 8 + b"\x03")
    said = b""
    while not said.endswith(b"\r\n>>> "):
        said += port.read(1)
    return said


def test_a_canary_shows_in_the_store_and_nowhere_else(make, boards, capsys):
    """Through put, compare, refusals, a store that quotes it, and a link that goes away."""
    canary = ("Canary-" + randomness.token_urlsafe(24)).encode()
    long_canary = canary * 60
    quoting = """from mailmote.store import real
    real.put(name, value)
    if name == 'oauth.secret':
        raise ValueError(value)"""
    board = make(FULL, **store_that(put=quoting))
    errors = []

    def fails(action, *arguments):
        with pytest.raises(HostError) as caught:
            action(*arguments)
        errors.append(caught.value)

    with Watch() as watch:
        opened = link.open(board.port)
        secrets.put(opened, NAME, canary)
        secrets.put(opened, NAME, canary + b"2")
        assert secrets.matches(opened, NAME, canary + b"2")
        fails(secrets.put, opened, NAME, long_canary)  # there is no room
        fails(secrets.put, opened, "oauth.secret", canary)  # the store quotes it in its error
        fails(secrets.put, opened, "unknown", canary)
        fails(secrets.put, opened, "wifi.password", canary * 200)
        said = board.said
        fails(opened.run, f"raise ValueError({canary!r})", 20)  # the board itself quotes this
        fails(opened.run, f"{canary!r} +", 20)
        shown = history(opened)
        watch.look()
        opened.close()
        assert board.secrets[NAME] == canary + b"2"
        opened = link.open(board.port)
        unplug(boards, board)
        fails(secrets.put, opened, NAME, canary)
        opened.close()
        watch.look()

    assert b"'typed' + '-line'" in shown
    assert any(str(board.folder).encode() in line for line in watch.command_lines)
    places = {
        "what the board said": said,
        "history of the REPL": shown,
        "flash": board.image.path.read_bytes(),
        "output of the host": "".join(capsys.readouterr()).encode(),
        **{f"command line {line!r}": line for line in watch.command_lines},
    }
    for error in errors:
        for number, text in enumerate(chain(error)):
            places[f"exception {number} of {error}"] = text.encode()
    assert len(errors) == 7
    assert len(places) > 20
    found = [place for place, content in places.items() for form in forms(canary) if form in content]
    assert not found


def forms(canary):
    """The canary, and its base64 as it stands after 0, 1 or 2 other octets."""
    yield canary
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + canary)
        yield encoded[4:-4] if shift else encoded[:-4]
