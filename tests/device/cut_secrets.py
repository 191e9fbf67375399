"""Power cuts while a refresh token is rotated, and while a small number is written.

    micropython cut_secrets.py PATH-ENTRIES

PATH-ENTRIES are separated by `:` and put before sys.path. One line of JSON for each way of writing, the
firmware's own first: [what, way, operations cut, faults]. The other ways are wrong, and faults are expected.
"""

import json
import os
import random
import sys

sys.path[:0] = sys.argv[1].split(":")

from cut_flash import CutFlash, blank, every_cut, run  # noqa: E402

from mailmote.errors import FixSettings  # noqa: E402
from mailmote.store import secret_files, secrets, state  # noqa: E402

BLOCKS = 16
SHORTEST, LONGEST = 900, 2500
ROTATIONS = 20
NUMBERS = (1, 1700000000, 5, 999999999999) * 5
FEW = 3
NEIGHBOUR = b"a password"
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."


def in_place(path, value):
    with open(path, "wb") as file:
        file.write(value)


def in_two_goes(path, value):
    with open(path, "wb") as file:
        file.write(value[: len(value) // 2])
        file.flush()
        file.write(value[len(value) // 2 :])


def removed_first(path, value):
    unfinished = path + ".new"
    in_place(unfinished, value)
    try:  # noqa: SIM105 - MicroPython has no contextlib
        os.remove(path)
    except OSError:
        pass  # there is none
    os.rename(unfinished, path)


WRONG_WAYS = (("in place", in_place), ("in two goes", in_two_goes), ("removed first", removed_first))


def token():
    length = random.randint(SHORTEST, LONGEST)
    return "".join([random.choice(LETTERS) for _ in range(length)]).encode()


def prepared(act):
    """The content of a flash on which something was done."""
    flash = CutFlash(blank(BLOCKS))
    run(flash, act)
    return flash.content


def stored(name):
    try:
        return secrets.get(name)
    except FixSettings:
        return None


def rotations(content, count):
    """A first sign-in, and rotations on the same flash. Returns (cuts, faults)."""
    cuts, faults = 0, []
    old = None
    for _ in range(count):
        new = token()

        def check(old=old, new=new):
            found = stored("oauth.refresh")
            if found not in (old, new):
                return "of the token %s bytes are left" % (found and len(found))
            secrets.put("oauth.refresh", new)
            if stored("oauth.refresh") != new:
                return "the next token is not there"
            return wrong_in(
                "secrets", ["oauth.refresh", "wifi.password"], stored("wifi.password") == NEIGHBOUR
            )

        content, more, found = every_cut(content, lambda new=new: secrets.put("oauth.refresh", new), check)
        cuts += more
        faults += found
        old = new
    return cuts, faults


def numbers(content, values):
    """A small number that is written again and again. Returns (cuts, faults)."""
    cuts, faults = 0, []
    old = None
    for new in values:

        def check(old=old, new=new):
            found = state.read("clock-floor")
            if found not in (old, new):
                return "%s is neither %s nor %s" % (found, old, new)
            state.write("clock-floor", new)
            if state.read("clock-floor") != new:
                return "the next number is not there"
            return wrong_in("state", ["clock-floor", "signed-in"], state.read("signed-in") == 7)

        content, more, found = every_cut(content, lambda new=new: state.write("clock-floor", new), check)
        cuts += more
        faults += found
        old = new
    return cuts, faults


def wrong_in(folder, names, neighbour_is_well):
    if not neighbour_is_well:
        return "what stood beside it is lost"
    left = sorted(os.listdir(folder))
    return None if left == names else "the folder holds %s" % left


def tell(what, way, result):
    cuts, faults = result
    print(json.dumps([what, way, cuts, faults[:3]]))


random.seed(1)
with_a_secret = prepared(lambda: secrets.put("wifi.password", NEIGHBOUR))
with_a_number = prepared(lambda: state.write("signed-in", 7))
tell("token", "own", rotations(with_a_secret, ROTATIONS))
tell("number", "own", numbers(with_a_number, NUMBERS))
for name, write in WRONG_WAYS:
    secret_files.put = lambda secret, value, write=write: write("secrets/" + secret, value)
    state.write = lambda number, value, write=write: write("state/" + number, b"%d" % value)
    tell("token", name, rotations(with_a_secret, FEW))
    tell("number", name, numbers(with_a_number, NUMBERS[:FEW]))
