"""A board under test, as power-on makes it: the firmware's store and mailbag, used as agent and courier do.

Runs on MicroPython.
"""

import os

from cut_flash import PowerCut
from cut_world import CORRUPT, LOST, SETTINGS, STUCK, Fault

from mailmote.errors import FixSettings, GiveUp, StorageError
from mailmote.health import Health
from mailmote.mailbag import Mailbag
from mailmote.net.link import Link
from mailmote.recipients import recipients_of
from mailmote.refusals import Refusals
from mailmote.store import outbox, secrets, state

TOKEN = "oauth.refresh"
DELIVERED, LATER, REFUSED = "delivered", "later", "refused"
"""What a mail server may say of a recipient."""
UNHEARD = "unheard"
"""Of the first recipient: the mail is taken for everybody, and the connection is lost before the reply."""


class Board:
    """`world` hears of what is promised and received. The power is that of `flash`."""

    def __init__(self, world, flash):
        self.world = world
        self._flash = flash
        world.unheard()
        self.box = outbox.Outbox()
        self._health = Health(Link(None, None))
        self._refusals = Refusals(self.box, self._health)
        self._bag = Mailbag(SETTINGS, self.box, self._health.uptime_s)
        self._look()

    def restarted(self):
        return type(self)(self.world, self._flash)

    def enqueue(self, choice):
        """An alert is raised; others may be merged where the outbox is full."""
        one = self.world.next_event(choice)
        serial = self.world.serial
        merged = self.box.merged
        try:
            number = self.box.enqueue(one, recipients_of(SETTINGS, one.alarm))
        except StorageError:
            self._alive()
            return  # the agent keeps it in memory and tries again
        self._alive()
        self.world.kept.add(serial)
        self.world.holds[number] = (serial,)
        self.world.saw("merge", self.box.merged - merged)
        self._look()

    def send(self, results, meanwhile=None):
        """One round of the courier over one connection. `results` are the server's, by recipient.

        `meanwhile`, if given, is the choice of an alert that is raised while the first mail is on its way.
        """
        self._bag.begin_round()
        mail = self._bag.next()
        while mail and self._send(mail, results, meanwhile):
            mail = self._bag.next()
            meanwhile = None

    def write(self, name, value):
        """A small number, or the token where `name` is that of one."""
        values = self.world.values
        values[name] = values.get(name, (None,)) + (value,)
        try:
            if name == TOKEN:
                secrets.put(name, value)
            else:
                state.write(name, value)
        except StorageError:
            self._alive()
            return
        self._alive()
        values[name] = (value,)

    def _send(self, mail, results, meanwhile):
        """Send one mail. Returns whether the connection still stands."""
        self._bag.begin(mail)
        self._alive()
        serials = self._serials(mail)
        if meanwhile is not None:
            self.enqueue(meanwhile)
        pending = mail.pending()
        self.world.saw("digest" if len(mail.numbers) > 1 else "mail")
        said = {index: results[index] for index in pending}
        if UNHEARD in said.values():
            self._taken(mail, serials, pending)
            self._bag.lost(mail)
            self.world.unheard()
            return False
        self._conclude(mail, serials, said)
        self.world.settled()
        return True

    def _conclude(self, mail, serials, said):
        """The server has replied; then the board writes down what is left to do."""
        notes = tuple(self._health.notes)
        taken = [index for index in said if said[index] == DELIVERED]
        refused = [index for index in said if said[index] == REFUSED]
        self._taken(mail, serials, taken)
        self.world.saw("partial", LATER in said.values() and len(set(said.values())) > 1)
        self.world.saw("refusal", len(refused))
        for index in refused:
            self._refusals.keep(mail, mail.recipients[index], GiveUp("550 5.1.1", "recipient-unknown"))
            self._alive()
        self._settle(mail, serials, taken, refused)
        if taken:
            self._health.delivered(notes)
            self._refusals.told(notes)
            self._alive()

    def _taken(self, mail, serials, indices):
        for index in indices:
            self.world.sent(serials, mail.recipients[index], mail.last.identity)

    def _settle(self, mail, serials, taken, refused):
        world = self.world
        for serial in serials:
            world.refused.update([(serial, mail.recipients[index]) for index in refused])
        self._bag.settle(mail, _mask(taken + refused), _mask(refused))
        self._alive()
        for number in mail.numbers:
            if self.box.state(number) == "refused":
                world.last_refused = number
                self._check_refused(number)
            if self.box.state(number) != "waiting":
                world.holds.pop(number, None)

    def _serials(self, mail):
        """The alerts that a mail tells: all of its records can be read, as they are when it is rendered."""
        if len(list(self._bag.records(mail.numbers))) != len(mail.numbers):
            raise Fault(LOST, "a mail tells less than it says")
        return tuple(sorted([serial for number in mail.numbers for serial in self.world.holds[number]]))

    def _check_refused(self, number):
        last = self.box.peek(number)
        if self.box.state(number) != "refused" or last is None or not last.refused:
            raise Fault(LOST, "nobody can read who refused record %d" % number)
        if not self.box.replies(number):
            raise Fault(LOST, "nobody can read what was said of record %d" % number)

    def _alive(self):
        """Go no further without power: an OSError that hides PowerCut is something a board may survive."""
        if self._flash.dead:
            raise PowerCut

    def _look(self):
        """Recognise each record that waits, as one that was there, or that the last `enqueue` has made."""
        found = {}
        for number in self.box.waiting():
            found[number] = self.box.peek(number)
            if found[number] is None:
                raise Fault(CORRUPT, "record %d is damaged" % number)
        self.world.recognise(found)

    def check(self):
        """Right after a start: all that was promised is there, and nothing else."""
        world = self.world
        if "tmp" in os.listdir("outbox"):
            raise Fault(STUCK, "outbox/tmp is left")
        if self.box.bad or os.listdir("bad"):
            raise Fault(CORRUPT, "%s are in bad/" % os.listdir("bad"))
        if world.last_refused is not None:
            self._check_refused(world.last_refused)
        for name, allowed in world.values.items():
            found = _read(name)
            if found not in allowed:
                raise Fault(LOST if found is None else CORRUPT, "%s is %s" % (name, found))
            world.values[name] = (found,)

    def finish(self):
        """All that waits is sent; then nothing may be missing, and the flash must take something new."""
        self._send_all()
        missing = self.world.missing()
        if missing:
            raise Fault(LOST, missing)
        self._probe()

    def _send_all(self):
        """The server is there again and takes all that waits."""
        self.send((DELIVERED,) * 3)

    def _probe(self):
        self.enqueue(0)
        again = self.restarted()
        if self.world.serial not in [serial for held in self.world.holds.values() for serial in held]:
            raise Fault(STUCK, "the next alert is not kept")
        again._send_all()
        if len(again.box) or self.world.missing():
            raise Fault(STUCK, "the next alert is not sent")
        for name, value in (("clock-floor", 1800000000), (TOKEN, b"the next token")):
            self.write(name, value)
            if _read(name) != value:
                raise Fault(STUCK, "the next %s is not kept" % name)


def _mask(indices):
    return sum([1 << index for index in indices])


def _read(name):
    if name != TOKEN:
        return state.read(name)
    try:
        return secrets.get(name)
    except FixSettings:
        return None


def small(most_records):
    """Let the outbox be full already with so few records, and keep as few that were refused."""
    outbox.MAX_RECORDS = outbox._MAX_REFUSED = most_records
