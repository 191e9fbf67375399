"""Single traits of the dialogue that no case of smtp_cases.py shows alone."""

from expect import equal, raises
from smtp_cases import (
    AFTER_TLS,
    BANNER,
    BDAT,
    BEFORE_TLS,
    BUSY,
    CASES,
    CHALLENGE,
    EHLO,
    LOGIN,
    MAIL,
    MORE,
    OK,
    ONE,
    PASSWORD,
    PIPELINING,
    RCPT_A,
    RCPT_B,
    SIGNED_IN,
    STUFFED,
    TEXT,
    TLS_OPENING,
    UNKNOWN,
    A,
    B,
)
from smtp_play import HELO, OPENING, Play, Text, ended, played

from mailmote import errors
from mailmote.smtp.credentials import Credentials
from mailmote.smtp.dialogue import CLOSED, READY, Dialogue


def test_a_refusal_is_not_lost_when_the_server_hangs_up_after_it():
    for ending in (b"", b"421 4.7.0 Too many errors\r\n"):
        play = Play([case for case in CASES if case[0].startswith("chunking, the sender refused")][0])
        for sent, reply in play.turns[:-1]:
            equal(play.sent(), sent)
            play.dialogue.receive(reply)
        equal(play.sent(), b"RSET\r\n")
        play.dialogue.receive(ending)
        equal((play.dialogue.wants, play.dialogue.results()[0].key), (CLOSED, "not-authenticated"))
        raises(errors.ProtocolError, play.dialogue.send, "m@c.test", ("a@c.test",), Text(b"x"))


class Attachment(Text):
    """Notes whether the reading of it was ended."""

    closed = False

    def chunks(self):
        try:
            yield from super().chunks()
        finally:
            self.closed = True


def test_a_message_left_in_the_middle_is_closed():
    for name in ("chunking: envelope", "pipelining, one recipient"):
        play = Play([case for case in CASES if case[0].startswith(name)][0])
        play.messages = []
        message = Attachment(b"x" * 70)
        for _, reply in play.turns[:2]:
            play.sent()
            play.dialogue.receive(reply)
        play.dialogue.send("mote@contoso.test", ("a@contoso.test",), message)
        output = play.dialogue.output()
        if name.startswith("pipelining"):
            equal(len(list(output)), 3)
            play.dialogue.receive(b"250 OK\r\n250 OK\r\n354 go\r\n")
            output = play.dialogue.output()
        while b"xxx" not in next(output):
            pass
        equal(message.closed, False)
        output.close()
        equal(message.closed, True)


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


def test_the_opening_goes_on_with_a_2yz_reply_only():
    for turns in (
        [(b"", b"354 hi\r\n")],
        [(b"", BANNER), (EHLO, b"354 hi\r\n")],
        [(b"", BANNER), (EHLO, b"500 what\r\n"), (HELO, b"354 hi\r\n")],
        [(b"", BANNER), (EHLO, BEFORE_TLS), (b"STARTTLS\r\n", b"354 hi\r\n")],
        TLS_OPENING + [(b"<TLS>" + EHLO, AFTER_TLS), (LOGIN, b"250 hi\r\n")],
        TLS_OPENING + [(b"<TLS>" + EHLO, AFTER_TLS), (LOGIN, b"335 UGFzc3dvcmQ6\r\n")],
        TLS_OPENING + [(b"<TLS>" + EHLO, AFTER_TLS), (LOGIN, CHALLENGE), (PASSWORD, b"354 hi\r\n")],
    ):
        _, error = ended("required", True, turns)
        equal((turns[-1], type(error), error.key), (turns[-1], errors.RetryLater, "unexpected-reply"))


def test_a_refused_helo_ends_it():
    _, error = ended("none", False, [(b"", BANNER), (EHLO, b"502 no\r\n"), (HELO, b"550 no\r\n")])
    equal((type(error), error.key), (errors.FixSettings, "ehlo-refused"))


def test_helo_follows_where_ehlo_is_unknown_and_only_there():
    for code in (500, 501, 502, 504):
        refused = b"%d no\r\n" % code
        play = Play(("", "none", False, [], [(b"", BANNER), (EHLO, refused)], None))
        for _, reply in play.turns:
            play.sent()
            play.dialogue.receive(reply)
        equal((code, play.sent()), (code, HELO))
    for code in (421, 450, 503, 550, 554):
        ended("none", False, [(b"", BANNER), (EHLO, b"%d no\r\n" % code)])


def test_tls_that_is_not_wanted_is_not_used():
    play = played(
        "none", False, ONE, [(b"", BANNER), (EHLO, BEFORE_TLS), (MAIL + RCPT_A + BDAT, OK + OK + OK)]
    )
    equal((play.results, play.dialogue.secure), ([[None]], False))


def test_where_the_message_has_left_with_its_envelope_each_reply_may_take_what_the_last_may():
    """RFC 5321 section 4.5.3.2.6: whoever gives up sooner makes duplicates."""
    play = Play([case for case in CASES if case[0].startswith("chunking: envelope")][0])
    for sent, reply in play.turns[:2]:
        equal(play.sent(), sent)
        play.dialogue.receive(reply)
    equal(play.sent(), play.turns[2][0])
    waits = []
    for _ in range(3):
        waits.append((play.dialogue.stage, play.dialogue.reply_timeout_s))
        play.dialogue.receive(OK)
    equal(waits, [("mail", 600), ("rcpt", 600), ("content", 600)])


def test_each_wait_has_the_time_that_rfc_5321_gives_it():
    waits = []

    def walk(play):
        for sent, reply in play.turns:
            equal(play.sent(), sent)
            waits.append((play.dialogue.stage, play.dialogue.reply_timeout_s))
            play.dialogue.receive(reply)

    walk(Play(CASES[0]))
    walk(
        Play(
            ("", "required", True, [], TLS_OPENING + [(b"<TLS>" + EHLO, AFTER_TLS), (LOGIN, SIGNED_IN)], None)
        )
    )
    play = played("none", False, [], OPENING)
    play.dialogue.quit()
    play.dialogue.output()
    waits.append((play.dialogue.stage, play.dialogue.reply_timeout_s))
    equal(
        waits,
        [
            ("greeting", 300),
            ("ehlo", 300),
            ("mail", 300),
            ("rcpt", 300),
            ("data", 120),
            ("content", 600),
            ("greeting", 300),
            ("ehlo", 300),
            ("starttls", 300),
            ("ehlo", 300),
            ("auth", 300),
            ("quit", 10),
        ],
    )


def test_receive_counts_the_whole_replies():
    dialogue = Dialogue("mote.contoso.test", "none")
    equal([dialogue.receive(octets) for octets in (b"220-a\r\n", b"220 b\r", b"\n")], [0, 0, 1])
    play = played("none", False, [], [(b"", BANNER), (EHLO, PIPELINING)])
    play.dialogue.send("mote@contoso.test", (A,), Text(TEXT))
    equal(play.sent(), MAIL + RCPT_A + b"DATA\r\n")
    equal([play.dialogue.receive(octets) for octets in (OK + OK + b"3", b"54 go\r\n")], [2, 1])


def test_a_connection_that_has_ended_stays_closed_and_silent():
    injected = b"220 go\r\n250-evil\r\n"
    for turns in (
        [(b"", b"421 4.3.2 Service not available\r\n")],
        OPENING + [(MAIL, b"421 4.3.2 Service shutting down\r\n")],
        [(b"", BANNER), (EHLO, BEFORE_TLS), (b"STARTTLS\r\n", injected)],
    ):
        play, _ = ended("opportunistic", False, turns)
        equal((play.dialogue.wants, play.dialogue.stage), (CLOSED, CLOSED))
        play.dialogue.receive(b"")
        equal(play.dialogue.wants, CLOSED)


def test_the_end_of_the_stream_tells_where_it_came():
    for octets, how in (
        (b"", "without a reply"),
        (b"22", "in the middle of a reply"),
        (b"220-mail.contoso.test\r\n", "in the middle of a reply"),
    ):
        dialogue = Dialogue("mote.contoso.test", "none")
        if octets:
            dialogue.receive(octets)
        error = raises(errors.ProtocolError, dialogue.receive, b"")
        equal((error.key, how in str(error), "at: greeting" in str(error)), ("connection-closed", True, True))
        equal(dialogue.wants, CLOSED)


def test_any_reply_to_quit_ends_it():
    for code in (221, 354, 451, 500):
        play = played("none", False, [], OPENING)
        play.dialogue.quit()
        play.dialogue.output()
        play.dialogue.receive(b"%d bye\r\n" % code)
        equal(play.dialogue.wants, CLOSED)


def test_the_limit_of_recipients_is_a_hundred():
    play = played("none", False, [], OPENING)
    play.dialogue.send("mote@contoso.test", (A,) * 100, Text(TEXT))
    equal(play.sent(), MAIL)


def test_size_is_told_where_it_is_offered_and_zero_is_no_limit():
    for offered, parameter in ((b"SIZE 21", b" SIZE=21"), (b"SIZE 0", b" SIZE=21"), (b"SIZE", b" SIZE=21")):
        play = played("none", False, [], [(b"", BANNER), (EHLO, b"250-mail\r\n250 " + offered + b"\r\n")])
        play.dialogue.send("mote@contoso.test", (A,), Text(TEXT))
        equal((offered, play.sent()), (offered, MAIL[:-2] + parameter + b"\r\n"))
    play = played("none", False, [], [(b"", BANNER), (EHLO, b"250-mail\r\n250 SIZE 20\r\n")])
    error = raises(errors.GiveUp, play.dialogue.send, "mote@contoso.test", (A,), Text(TEXT))
    equal((error.key, play.dialogue.wants), ("message-too-large", READY))


def test_8bit_is_not_asked_for_where_it_is_not_offered():
    play = played("none", False, [], OPENING)
    play.dialogue.send("mote@contoso.test", (A,), Text(b"Subject: \xc3\xa4\r\n"))
    equal(play.sent(), MAIL)


def test_one_refused_recipient_of_two_does_not_stop_the_message_in_lock_step():
    play = played(
        "none",
        False,
        [((A, B), TEXT)],
        OPENING + [(MAIL, OK), (RCPT_A, OK), (RCPT_B, UNKNOWN), (b"DATA\r\n", MORE), (STUFFED, OK)],
    )
    equal(play.results, [[None, "unknown-recipient"]])


def test_a_refusal_of_data_is_the_result_of_all_and_any_answer_to_rset_ends_it():
    for last in (OK, b"451 4.3.0 later\r\n", b"503 5.5.1 Bad sequence\r\n"):
        play = played(
            "none",
            False,
            [((A, B), TEXT), ((A,), TEXT)],
            [
                (b"", BANNER),
                (EHLO, PIPELINING),
                (MAIL + RCPT_A + RCPT_B + b"DATA\r\n", OK + OK + UNKNOWN + BUSY),
                (b"RSET\r\n", last),
                (MAIL + RCPT_A + b"DATA\r\n", OK + OK + MORE),
                (STUFFED, OK),
            ],
        )
        equal(play.results, [["server-busy", "unknown-recipient"], [None]])


def test_after_content_that_was_refused_the_next_message_follows_at_once():
    envelope = (MAIL + RCPT_A + b"DATA\r\n", OK + OK + MORE)
    play = played(
        "none",
        False,
        [((A,), TEXT), ((A,), TEXT)],
        [(b"", BANNER), (EHLO, PIPELINING), envelope, (STUFFED, BUSY), envelope, (STUFFED, OK)],
    )
    equal(play.results, [["server-busy"], [None]])


def test_a_refusal_without_a_mark_is_judged_by_its_stage():
    refused = b"550 no\r\n"
    for turns, wanted in (
        ([(MAIL, refused)], errors.FixSettings),
        ([(MAIL, OK), (RCPT_A, refused), (b"RSET\r\n", OK)], errors.GiveUp),
        ([(MAIL, OK), (RCPT_A, OK), (b"DATA\r\n", refused), (b"RSET\r\n", OK)], errors.FixSettings),
        ([(MAIL, OK), (RCPT_A, OK), (b"DATA\r\n", MORE), (STUFFED, refused)], errors.GiveUp),
    ):
        play = played("none", False, ONE, OPENING + turns)
        equal((turns[-1], type(play.dialogue.results()[0])), (turns[-1], wanted))


def test_a_server_that_closes_for_idleness_is_asked_again_at_once():
    play = played("none", False, ONE, OPENING + [(MAIL, b"451 4.7.0 Timeout waiting for client input\r\n")])
    equal(type(play.dialogue.results()[0]), errors.RetryNow)
