"""Plays a dialogue with a server that says its lines."""

from expect import equal, raises
from smtp_cases import (
    BANNER,
    BARE,
    EHLO,
    ONE,
)

from mailmote import errors
from mailmote.smtp.credentials import Bearer, Credentials
from mailmote.smtp.dialogue import READY, RECEIVE, SEND, UPGRADE, Dialogue

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
        kind = {False: None, True: Credentials, "oauth": Bearer}[sign_in]
        credentials = kind("mote@contoso.test", b"canary") if kind else None
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
        if "canary" in str(error) or "Y2FuYXJ5" in str(error) or "IGNhbmFyeQ" in str(error):
            raise AssertionError("the password shows")


def played(tls, sign_in, messages, turns):
    """A Play of which all turns are over."""
    play = Play(("", tls, sign_in, messages, turns, None))
    play.run(lambda index, reply: play.dialogue.receive(reply))
    return play


def ended(tls, sign_in, turns, messages=ONE):
    """A Play that its last reply ends, and the exception."""
    play = Play(("", tls, sign_in, messages, turns, None))
    return play, raises(errors.MailmoteError, play.run, lambda index, reply: play.dialogue.receive(reply))


OPENING = [(b"", BANNER), (EHLO, BARE)]
HELO = b"HELO mote.contoso.test\r\n"
