"""What the work of a board costs its flash, and what flipped bits and a full flash do to the outbox.

    micropython flash_costs.py PATH-ENTRIES

PATH-ENTRIES are separated by `:` and put before sys.path. Lines of JSON: ["cost", what, erases, bytes
programmed], of one on average; ["bits", way, flips, moved aside, counted, sent as another]; ["full", faults].
"""

import gc
import json
import os
import random
import sys

sys.path[:0] = sys.argv[1].split(":")

import cut_ways  # noqa: E402
from cut_board import DELIVERED, LATER, REFUSED, TOKEN, Board  # noqa: E402
from cut_flash import CutFlash, blank, run  # noqa: E402
from cut_world import World  # noqa: E402

from mailmote import log  # noqa: E402
from mailmote.errors import StorageError  # noqa: E402
from mailmote.store import outbox  # noqa: E402

BLOCKS = 64
TIMES = 400
TAKEN = (DELIVERED,) * 3


def cost(what, times, act):
    """Print what one `act(board, index)` costs, on average of so many on one flash."""
    gc.collect()
    flash = CutFlash(blank(BLOCKS))

    def used():
        board = Board(World(), flash)
        for index in range(3):
            act(board, index)
        before = flash.erases, flash.programmed_bytes
        for index in range(times):
            act(board, index)
        erases, octets = flash.erases - before[0], flash.programmed_bytes - before[1]
        print(json.dumps(["cost", what, erases / times, octets / times]))

    run(flash, used)


def one_alert(board, index):
    board.enqueue(0)
    board.send(TAKEN)


def digest(board, index):
    for _ in range(20):
        board.enqueue(0)
    board.send(TAKEN)


def partial(board, index):
    board.enqueue(0)
    board.send((DELIVERED, LATER, LATER))
    board.send(TAKEN)


def refused(board, index):
    board.enqueue(0)
    board.send((DELIVERED, REFUSED, DELIVERED))


def flipped(way):
    """Flip each bit of one record, and start: no other alert may be made of it."""
    cut_ways.take(way)
    moved = counted = others = flips = 0
    board = Board(World(), CutFlash(b""))
    board.enqueue(1)
    path = "outbox/00000001"
    with open(path, "rb") as file:
        sound = file.read()
    for position in range(len(sound)):
        for bit in range(8):
            data = bytearray(sound)
            data[position] ^= 1 << bit
            with open(path, "wb") as file:
                file.write(data)
            box = outbox.Outbox()
            found = box.load(1)
            flips += 1
            others += found is not None
            moved += box.waiting() == () and os.listdir("bad") == ["00000001"]
            counted += box.bad == 1
            for folder in ("bad", "outbox"):
                for name in os.listdir(folder):
                    os.remove(folder + "/" + name)
    print(json.dumps(["bits", way, flips, moved, counted, others]))


def full():
    """Fill the flash; then the outbox must say so, keep what it has, and still deliver and delete it."""
    faults = []
    board = Board(World(), CutFlash(b""))
    for _ in range(5):
        board.enqueue(0)
    with open("filler", "wb") as file:
        try:
            while True:
                file.write(bytes(512))
                file.flush()
        except OSError as error:
            if error.errno != 28:
                faults.append("the flash says %r" % error)
    said = None
    for _ in range(100):
        try:
            board.box.enqueue(board.world.next_event(0), ["a@contoso.test"])
        except StorageError as error:
            said = str(error)
            break
    if not said or "28" not in said or "full" not in said:
        faults.append("enqueue says %s" % said)
    before = board.box.waiting()
    again = Board(board.world, CutFlash(b""))
    if again.box.waiting() != before or again.box.bad:
        faults.append("%s are left of %s" % (again.box.waiting(), before))
    again.send(TAKEN)
    again.send(TAKEN)
    if len(again.box):
        faults.append("%d are not delivered and deleted" % len(again.box))
    print(json.dumps(["full", faults]))


log.level = 100
random.seed(1)
cost("one alert: enqueued, delivered, deleted", TIMES, one_alert)
cost("a digest of 20 alerts", 20, digest)
cost("one alert, first to some of its recipients", TIMES, partial)
cost("one alert that a recipient refuses", TIMES, refused)
cost("the refresh token, of 1.5 kB, rotated", TIMES, lambda board, n: board.write(TOKEN, b"%4d" % n * 375))
cost("the clock's floor", TIMES, lambda board, index: board.write("clock-floor", 1700000000 + index))
cost("the count of recipients", TIMES, lambda board, index: board.write("recipients", index))
run(CutFlash(blank(BLOCKS)), lambda: flipped("own"))
run(CutFlash(blank(12)), full)
run(CutFlash(blank(BLOCKS)), lambda: flipped("no checksum"))
