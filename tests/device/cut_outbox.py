"""Power cuts at every flash operation of what an agent does with its outbox, token and numbers.

    micropython cut_outbox.py PATH-ENTRIES SEED CUTS WAY

PATH-ENTRIES are separated by `:` and put before sys.path. WAY is "own", for the firmware's own way of
writing, or the name of a wrong one in cut_ways.py. One line of JSON, an object: `cuts` and `repeats` count,
`faults` is the number of each kind, `seen` what the work had in it, `first` the first few faults in words.

An agent's work is EVERYTHING, then what comes from the seed. For each operation k of a piece of it, and each
manner, the power goes at k; the board starts again and is looked at, sends all that waits, and is written to;
in this recovery the power goes once more, at a random operation, and the board starts a third time.
"""

import json
import random
import sys

sys.path[:0] = sys.argv[1].split(":")

import cut_ways  # noqa: E402
from cut_board import DELIVERED, LATER, REFUSED, TOKEN, UNHEARD, Board, small  # noqa: E402
from cut_flash import MANNERS, CutFlash, blank, run  # noqa: E402
from cut_world import STUCK, Fault, World  # noqa: E402

from mailmote import log  # noqa: E402

BLOCKS = 20
STEPS = 7  # of a piece of work
MOST_RECORDS = 6
MOST_RECIPIENTS = 3
FIRST_FAULTS = 3
ENOUGH = 200  # faults: more tell nothing
# What an agent does, as often as it stands here.
WORK = ("enqueue",) * 8 + ("send",) * 5 + ("restart", "clock-floor", "recipients", TOKEN)


def planned():
    """A piece of work: [(what, a random number, results of the recipients)]. Of some nothing leaves."""
    results = random.choice((_away, _all_alike, _each_its_own))
    return [(random.choice(WORK), random.getrandbits(30), results()) for _ in range(STEPS)]


def _away():
    return (random.choice((LATER, LATER, UNHEARD)),) * MOST_RECIPIENTS


def _all_alike():
    return (random.choice((DELIVERED, DELIVERED, LATER, UNHEARD)),) * MOST_RECIPIENTS


def _each_its_own():
    return tuple(random.choice((DELIVERED, LATER, LATER, REFUSED)) for _ in range(MOST_RECIPIENTS))


ALL_LATER, ALL_TAKEN = (LATER,) * MOST_RECIPIENTS, (DELIVERED,) * MOST_RECIPIENTS
# Pieces of work that have in them what chance may leave out: merging, a digest, partial and refused mails.
EVERYTHING = (
    (("enqueue", 0, None),) * (MOST_RECORDS + 1) + (("send", 0, ALL_LATER),),
    (
        ("send", 0, (DELIVERED, LATER, REFUSED)),
        ("enqueue", 1, None),
        ("send", 1 + (1 << 8), (LATER, DELIVERED, REFUSED)),
        ("restart", 0, None),
        ("send", 0, ALL_TAKEN),
    ),
    (("enqueue", 2, None),) * 4
    + (
        (TOKEN, 7, None),
        ("send", 0, (LATER, REFUSED)),
        ("clock-floor", 1, None),
        ("recipients", 1, None),
        ("send", 0, ALL_TAKEN),
    ),
    # The outbox gets full behind an alert that some have got, and behind one that may have arrived.
    (("enqueue", 0, None), ("send", 0, (DELIVERED, LATER, LATER)))
    + (("enqueue", 0, None),) * MOST_RECORDS
    + (("send", 0, ALL_TAKEN),),
    (("enqueue", 0, None), ("send", 0, (UNHEARD, UNHEARD, UNHEARD)))
    + (("enqueue", 0, None),) * MOST_RECORDS
    + (("restart", 0, None), ("send", 1, ALL_TAKEN)),
)


def work(board, steps):
    for what, choice, results in steps:
        if what == "enqueue":
            board.enqueue(choice)
        elif what == "send":
            board.send(results, choice >> 8 if choice & 1 else None)
        elif what == "restart":
            board = board.restarted()
        elif what == TOKEN:
            board.write(TOKEN, b"%d" % choice * (1 + choice % 100))
        else:
            board.write(what, choice)


class Trial:
    """One flash, its world, and what goes wrong with them."""

    board = Board

    def __init__(self, content, world):
        self.content = content
        self.world = world
        self.fault = None

    def power_on(self, act, cut_at=0, manner=None):
        """Start a board, let it `act`, switch off. Returns whether the power was cut."""
        flash = CutFlash(self.content, cut_at, manner)
        try:
            run(flash, lambda: act(self.board(self.world, flash)))
        except Fault as fault:
            self.fault = self.fault or fault
        except Exception as error:
            self.fault = self.fault or Fault(STUCK, repr(error))
        self.content = flash.content
        self.operations = flash.operations
        return flash.dead


def recover(board):
    board.check()
    board.finish()


class Count:
    """Of cuts, and of the faults they led to."""

    def __init__(self):
        self.cuts = 0
        self.repeats = 0
        self.seen = {}
        self.faults = {}
        self.first = []

    def bad(self):
        return sum(self.faults.values())

    def look_at(self, trial, where):
        fault = trial.fault
        self.repeats += trial.world.repeats
        if fault:
            self.faults[fault.kind] = self.faults.get(fault.kind, 0) + 1
            if len(self.first) < FIRST_FAULTS:
                self.first.append("%s, %s: %s" % (fault.kind, where, fault))


def cut_everywhere(content, world, steps, count, seed):
    """Every cut of one piece of work. Returns how it ended without a cut, and with the last ones."""
    random.seed(seed)
    whole = Trial(content, world.copy())
    whole.power_on(lambda board: work(board, steps))
    count.look_at(whole, "seed %d, no cut" % seed)
    for what, times in whole.world.seen.items():
        count.seen[what] = count.seen.get(what, 0) + times
    again = whole
    last = whole.operations
    for cut_at in range(1, last + 1):
        for manner in MANNERS:
            where = "seed %d, %s at %d of %d" % (seed, manner, cut_at, last)
            random.seed(seed)
            trial = Trial(content, world.copy())
            count.cuts += trial.power_on(lambda board: work(board, steps), cut_at, manner)
            again = Trial(trial.content, trial.world.copy())
            trial.power_on(recover)
            count.look_at(trial, where)
            random.seed(seed + cut_at)
            cut_again, manner_again = random.randint(1, trial.operations or 1), random.choice(MANNERS)
            count.cuts += again.power_on(recover, cut_again, manner_again)
            again.power_on(recover)
            count.look_at(again, "%s, then %s at %d" % (where, manner_again, cut_again))
    return whole, again


def pieces(seed):
    """(seed of a piece of work, its steps or None for what comes from the seed), without end."""
    for steps in EVERYTHING:
        seed += 1
        yield seed, steps
    while True:
        seed = (seed * 1103515245 + 12345) & 0x3FFFFFFF
        yield seed, None


def main(seed, cuts, way):
    log.level = 100  # nothing is wrong with what a cut leaves behind
    small(MOST_RECORDS)
    Trial.board = cut_ways.take(way)
    count = Count()
    ended = (Trial(blank(BLOCKS), World()),)
    for own_seed, steps in pieces(seed):
        random.seed(own_seed)
        before = random.choice(ended) if steps is None else ended[0]
        ended = cut_everywhere(before.content, before.world, steps or planned(), count, own_seed)
        if count.cuts >= cuts or count.bad() >= (ENOUGH if way == "own" else 1):
            break
    names = ("cuts", "faults", "repeats", "seen", "first")
    print(json.dumps({name: getattr(count, name) for name in names}))


main(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
