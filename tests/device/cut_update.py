"""Power cuts while boot.py moves the files of an update to their places.

    micropython cut_update.py PATH-ENTRIES BOOT.PY

PATH-ENTRIES are separated by `:` and put before sys.path. One line of JSON for each way of doing it, that of
boot.py first: [way, operations cut, faults]. The other ways are wrong, and faults are expected.
"""

import json
import os
import random
import sys

sys.path[:0] = sys.argv[1].split(":")

from cut_flash import CutFlash, blank, every_cut, run  # noqa: E402

BLOCKS = 40
RESERVE_BLOCKS = 6  # what the host tools leave free
LONG = b"# " + b"long" * 1200
REMOVED = ["lib/mailmote/gone.py", "mailmote/old.py", "mailmote/", "never/there.py"]
TO_NEW = {
    "boot.py": (b"# the old boot.py\n", b"# the new boot.py\n"),
    "main.py": (b"# the old main.py\n", b"# the new main.py\n"),
    "settings.json": (b"1", b"2"),
    "lib/mailmote/long.py": (b"old" + LONG, b"new" + LONG),
    "lib/mailmote/small.py": (b"old", b"new"),
    "lib/mailmote/added.py": (None, b"new" * 50),
}
MANY = {"lib/mailmote/many%d.py" % number: (b"old" * 60, b"new" * 70) for number in range(12)}
NEIGHBOURS = {"lib/other.py": b"somebody's", "state/clock-floor": b"1700000000"}

with open(sys.argv[2]) as file:
    BOOT = file.read()
DROPS_MARK = '    os.remove("next/ready")\n'
READS_MARK = '    with open("next/ready") as file:\n        obsolete = json.load(file)\n'
RENAMES = '        os.rename("next/" + name, path)\n    except OSError:\n'
COPIES = """\
        with open("next/" + name, "rb") as file:
            content = file.read()
        with open(path, "wb") as file:
            file.write(content[:1])
            file.flush()
            file.write(content[1:])
        os.remove("next/" + name)
    except ImportError:
"""
WRONG_WAYS = (
    ("mark removed first", BOOT.replace(DROPS_MARK, "").replace(READS_MARK, READS_MARK + DROPS_MARK)),
    ("copied in place", BOOT.replace(RENAMES, COPIES)),
    ("obsolete files left", BOOT.replace("os.remove(path)\n        except", "pass\n        except")),
)


def write(path, content):
    parts = path.split("/")
    for depth in range(1, len(parts)):
        try:  # noqa: SIM105 - MicroPython has no contextlib
            os.mkdir("/".join(parts[:depth]))
        except OSError:
            pass  # it is there
    with open(path, "wb") as file:
        file.write(content)


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def staged():
    for path, (old, new) in TO_NEW.items():
        if old is not None:
            write(path, old)
        write("next/" + path.replace("/", "="), new)
    for path in REMOVED[:2]:
        write(path, b"obsolete")
    for path, content in NEIGHBOURS.items():
        write(path, content)
    write("next/ready", json.dumps(REMOVED).encode())


def fault():
    """What is wrong once a start has finished the update."""
    for path, (_, new) in TO_NEW.items():
        found = read(path)
        if found != new:
            return "%s is %s" % (path, found and found[:20])
    for path, content in NEIGHBOURS.items():
        if read(path) != content:
            return "%s is lost" % path
    if "next" in os.listdir() and os.listdir("next"):
        return "%s are left to be done" % os.listdir("next")
    left = [name for name in ("mailmote",) if name in os.listdir()]
    left += [name for name in os.listdir("lib/mailmote") if name.startswith("gone")]
    return "%s is left" % left if left else None


def fill():
    """Leave free no more than the reserve."""
    with open("filler", "wb") as file:
        while os.statvfs("")[3] > RESERVE_BLOCKS:
            file.write(bytes(2048))
            file.flush()


def start(source):
    exec(source, {})  # noqa: S102 - as a board executes its boot.py


def check(source):
    """The board starts again: the program of update that was cut is the one that goes on."""
    if read("boot.py") not in TO_NEW["boot.py"]:
        return "boot.py is damaged"
    start(source)
    return fault()


def prepared(act, content):
    """The content of a flash on which something was done."""
    flash = CutFlash(content)
    run(flash, act)
    return flash.content


def tell(way, content, source):
    _, cuts, faults = every_cut(content, lambda: start(source), lambda: check(source))
    print(json.dumps([way, cuts, faults[:3]]))


random.seed(1)
few = prepared(staged, blank(BLOCKS))
for name, wrong in WRONG_WAYS:
    tell(name, few, wrong)
TO_NEW.update(MANY)
many = prepared(staged, blank(BLOCKS * 2))
tell("boot.py", many, BOOT)
found = []
placed = prepared(lambda: start(BOOT), prepared(fill, many))
prepared(lambda: found.append(fault()), placed)
print(json.dumps(["full flash", 0, found]))
