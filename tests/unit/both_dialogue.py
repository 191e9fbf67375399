"""Every case of the dialogue whole, byte by byte, cut off, and with a tail."""

from expect import equal, raises
from smtp_cases import CASES

from mailmote import errors
from mailmote.smtp.auth import Credentials
from mailmote.smtp.dialogue import CLOSED, READY, RECEIVE, SEND, UPGRADE, Dialogue

# Outcomes that name a class rather than one row of the explanations.
GENERIC = {"later": errors.RetryLater, "fix": errors.FixSettings}


class Text:
    """A message of fixed octets, in chunks of seven."""

    def __init__(self, octets):
        self._octets = octets
        self.size = len(octets)
        self.needs_8bit = False

    def measure(self, eight_bit):
        self.needs_8bit = eight_bit and any(octet > 127 for octet in self._octets)

    def chunks(self):
        for start in range(0, len(self._octets), 7):
            yield self._octets[start : start + 7]


class Play:
    """One case, played by a server that says its lines."""

    def __init__(self, case):
        _, tls, sign_in, messages, self.turns, self.outcome = case
        credentials = Credentials("mote@contoso.test", b"canary") if sign_in else None
        self.dialogue = Dialogue("mote.contoso.test", tls, credentials)
        self.messages = list(messages)
        self.results = []
        self.sending = False

    def sent(self):
        """Everything that the client sends now, until it waits for a reply."""
        dialogue = self.dialogue
        octets = b""
        while dialogue.wants != RECEIVE:
            if dialogue.wants == SEND:
                for chunk in dialogue.output():
                    octets += bytes(chunk)
            elif dialogue.wants == UPGRADE:
                octets += b"<TLS>"
                dialogue.upgraded()
            elif dialogue.wants == READY:
                self.collect()
                if not self.messages:
                    return octets
                recipients, text = self.messages.pop(0)
                dialogue.send("mote@contoso.test", recipients, Text(text))
                self.sending = True
            else:
                return octets
        return octets

    def collect(self):
        if self.sending:
            self.results.append([error and error.key for error in self.dialogue.results()])
            self.sending = False

    def run(self, hear):
        """All turns; `hear(turn index, reply)` hands the reply to the dialogue."""
        for index, (sent, reply) in enumerate(self.turns):
            equal(self.sent(), sent)
            hear(index, reply)
        equal(self.sent(), b"")

    def check(self, hear):
        """Run to the outcome that the case names."""
        if not isinstance(self.outcome, str):
            self.run(hear)
            equal(self.results, self.outcome)
            return
        error = raises(GENERIC.get(self.outcome, errors.MailmoteError), self.run, hear)
        if self.outcome not in GENERIC:
            equal(error.key, self.outcome)
        if "canary" in str(error) or "Y2FuYXJ5" in str(error):
            raise AssertionError("the password shows")


def each(check):
    for case in CASES:
        try:
            check(case)
        except AssertionError as error:
            raise AssertionError("%s: %s" % (case[0], error))


def test_whole():
    def check(case):
        play = Play(case)
        play.check(lambda index, reply: play.dialogue.receive(reply))

    each(check)


def test_byte_by_byte():
    def check(case):
        play = Play(case)

        def hear(index, reply):
            for position in range(len(reply)):
                play.dialogue.receive(reply[position : position + 1])

        play.check(hear)

    each(check)


def test_with_a_tail_at_each_turn():
    """A reply more than was asked for is never taken for an answer, and never undoes a result."""

    def check(case):
        turns, outcome = case[4], case[5]
        for tailed in range(len(turns)):
            for tail in (b"250 2.0.0 tail\r\n", b"250-ta"):
                play = Play(case)

                def hear(index, reply, play=play, tailed=tailed, tail=tail):
                    play.dialogue.receive(reply + tail if index == tailed else reply)

                if isinstance(outcome, str):
                    raises(errors.MailmoteError, play.run, hear)
                elif tailed < len(turns) - 1:
                    raises(errors.ProtocolError, play.run, hear)
                else:
                    play.run(hear)
                    equal(play.results, outcome)
                    play.dialogue.quit()
                    raises(errors.ProtocolError, play.dialogue.output)

    each(check)


def test_a_421_behind_the_final_reply_keeps_the_result_and_ends_the_connection():
    case = [case for case in CASES if case[0].startswith("lock step")][0]
    play = Play(case)
    last = len(case[4]) - 1
    play.run(
        lambda index, reply: play.dialogue.receive(reply + (b"421 4.3.2 bye\r\n" if index == last else b""))
    )
    equal(play.results, [[None]])
    play.dialogue.send("mote@contoso.test", ("a@contoso.test",), Text(b"x"))
    raises(errors.RetryLater, play.dialogue.output)
    equal(play.dialogue.wants, CLOSED)


def test_closed_at_every_byte_of_every_reply():
    """Never a success without the whole final line."""

    def check(case):
        for turn, (_, reply) in enumerate(case[4]):
            for cut in range(0, len(reply), 1 if len(reply) < 300 else 97):
                play = Play(case)

                def hear(index, reply, play=play, turn=turn, cut=cut):
                    if index != turn:
                        play.dialogue.receive(reply)
                        return
                    if cut:
                        play.dialogue.receive(reply[:cut])
                    if play.dialogue.wants == RECEIVE:
                        play.dialogue.receive(b"")
                        raise AssertionError("the end of the stream went unnoticed")
                    raise errors.ProtocolError("refused before the cut")

                raises(errors.MailmoteError, play.run, hear)
                if len(play.results) > len(case[3]) - 1:
                    raise AssertionError(
                        "a result without the final reply, cut at %d of turn %d" % (cut, turn)
                    )

    each(check)


def test_quit_is_answered_by_anything_even_by_silence():
    for last in (b"221 2.0.0 bye\r\n", b""):
        play = Play(CASES[0])
        play.run(lambda index, reply, play=play: play.dialogue.receive(reply))
        play.dialogue.quit()
        equal(b"".join(play.dialogue.output()), b"QUIT\r\n")
        play.dialogue.receive(last)
        equal(play.dialogue.wants, CLOSED)


def test_nothing_is_sent_for_an_address_that_would_begin_a_command():
    for address in ("a@b.test>\r\nRCPT TO:<x@y.test", "a\0@b.test", "a\n@b.test", "\u00e4@b.test"):
        for sender, recipient in ((address, "a@contoso.test"), ("mote@contoso.test", address)):
            play = Play(CASES[0])
            play.messages = []
            for _, reply in play.turns[:2]:
                play.sent()
                play.dialogue.receive(reply)
            error = raises(errors.SettingsError, play.dialogue.send, sender, (recipient,), Text(b"x"))
            equal(error.key, "control-character")
            equal(play.dialogue.wants, READY)


def test_a_client_name_cannot_hold_a_command():
    dialogue = Dialogue("mote\r\nMAIL FROM:<x@y.test>", "none")
    raises(errors.SettingsError, dialogue.receive, b"220 hi\r\n")


def test_too_many_recipients():
    play = Play(CASES[0])
    play.messages = []
    for _, reply in play.turns[:2]:
        play.sent()
        play.dialogue.receive(reply)
    raises(errors.GiveUp, play.dialogue.send, "m@c.test", ("a@c.test",) * 101, Text(b"x"))
    raises(errors.GiveUp, play.dialogue.send, "m@c.test", (), Text(b"x"))


def test_credentials_do_not_show():
    equal(repr(Credentials("mote@contoso.test", b"canary")), "Credentials('mote@contoso.test', ...)")
