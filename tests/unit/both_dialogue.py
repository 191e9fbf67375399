"""Every case of the dialogue whole, byte by byte, cut off, and with a tail."""

from expect import equal, raises
from smtp_cases import (
    CASES,
)
from smtp_play import Play, Text

from mailmote import errors
from mailmote.smtp.dialogue import CLOSED, RECEIVE


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
    error = raises(errors.RetryLater, play.dialogue.output)
    equal((error.key, play.dialogue.wants), ("service-closing", CLOSED))


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
                        if play.dialogue.wants == CLOSED and all(play.dialogue.results()):
                            raise errors.ProtocolError("everyone was refused before the cut")
                        raise AssertionError("the end of the stream went unnoticed")
                    raise errors.ProtocolError("refused before the cut")

                raises(errors.MailmoteError, play.run, hear)
                if len(play.results) > len(case[3]) - 1:
                    raise AssertionError(
                        "a result without the final reply, cut at %d of turn %d" % (cut, turn)
                    )

    each(check)
