"""The console of a board that works: it answers questions, and nothing that is typed can disturb it.

A question is a line of words from _QUESTIONS. An answer is a line each: the character RS, which no line of
the log begins with, then a JSON object (as in RFC 7464). What is no question gets none: a port that echoes
would make a question of each answer. Ctrl-C still stops the agent, as it never gets here.

The answers are composed by a module that is loaded for each question and let go again.
"""

import json
import sys

from . import __version__, compat, log

_RECORD_SEPARATOR = "\x1e"
_MAX_LINE_OCTETS = 40
_QUESTIONS = ("status", "alerts", "alert", "test-mail")
_HINT = "Type status, alerts or test-mail, or use these commands of mailmote on a computer."


class Console:
    """Takes lines from the console, and has them answered from the parts of the agent."""

    def __init__(self, settings, link, health, outbox, courier, watchers, crashes=None):
        self.settings = settings
        self.link = link
        self.health = health
        self.outbox = outbox
        self.courier = courier
        self.watchers = watchers
        self.asked = 0  # questions so far
        self.crashes = crashes

    def greet(self):
        """Say that the board works. The host tools wait for this line."""
        device, mail = self.settings["device"], self.settings["mail"]
        log.info(
            "agent",
            "Ready: mailmote %s, %s, %d sensors, %d alarms, mail by %s through %s.",
            __version__,
            device["name"],
            len(self.watchers),
            len(self.settings["alarms"]) if self.watchers else 0,
            mail["option"],
            mail["host"],
        )

    async def run(self, heartbeat):
        """Until the end of what is typed, if it has one."""
        heartbeat.retire()  # nobody may ever type
        typed = await compat.console()
        if typed is None:
            return
        octet = bytearray(1)
        lines = Lines()
        while await compat.read_into(typed, octet):
            line = lines.feed(octet[0])
            if line:
                self.obey(line)

    def obey(self, line, write=None):
        """Answer a line if it is a question. `write(answer)` takes each answer, a dictionary."""
        words = line.split()
        if words == ["help"]:
            print(_HINT)
        if not words or words[0] not in _QUESTIONS:
            return
        self.asked += 1
        compat.collect()
        try:
            answers = compat.borrow("mailmote.answers")
            for answer in answers.compose(self, words):
                (write or _write)(answer)
        except MemoryError:
            log.error("console", "There is too little memory to answer. Ask again.")


class Lines:
    """Octets in, one by one; lines out. A line is dropped that is too long or holds anything but ASCII."""

    def __init__(self):
        self._line = bytearray()
        self._good = True

    def feed(self, octet):
        """The line that this octet ends, or None."""
        if octet in b"\r\n":
            line = str(self._line, "ascii") if self._good else None
            self._line = bytearray()
            self._good = True
            return line
        if self._good and 32 <= octet < 127 and len(self._line) < _MAX_LINE_OCTETS:
            self._line.append(octet)
        else:
            self._good = False
        return None


def _write(answer):
    """Piece by piece: the whole of it would need room in one place."""
    sys.stdout.write(_RECORD_SEPARATOR)
    json.dump(answer, sys.stdout)
    print()
