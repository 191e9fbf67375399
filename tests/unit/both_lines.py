"""Replies out of octets, octets out of commands: each limit at its last good value and one beyond."""

from expect import equal, raises

from mailmote.errors import ProtocolError, SettingsError
from mailmote.smtp.capabilities import Capabilities
from mailmote.smtp.lines import ReplyReader, command


def read(octets):
    """All whole replies in `octets`, handed over at once."""
    reader = ReplyReader()
    reader.feed(octets)
    replies = []
    while True:
        reply = reader.take()
        if reply is None:
            return replies
        replies.append(reply)


def fault(octets):
    return raises(ProtocolError, read, octets)


def test_what_begins_with_no_reply_code_is_no_reply():
    for line in (b"100 hi", b"050 hi", b"600 hi", b"2x0 hi", b"2 0 hi", b"-25 hi", b"25", b"2", b""):
        error = fault(line + b"\r\n")
        equal((line, error.key, "reply code" in str(error)), (line, "malformed-reply", True))


def test_the_limits_of_the_reply_codes():
    for octets, code in ((b"200 hi\r\n", 200), (b"599 hi\r\n", 599), (b"250\r\n", 250)):
        equal([reply.code for reply in read(octets)], [code])


def test_a_line_ends_in_cr_and_lf():
    for octets in (b"\n", b"250 hi\n", b"250-hi\n250 hi\r\n"):
        equal("CRLF" in str(fault(octets)), True)


def test_a_line_of_4096_octets_is_one_and_of_4097_is_too_long():
    equal(len(read(b"250 " + b"x" * 4090 + b"\r\n")), 1)
    for octets in (b"250 " + b"x" * 4091 + b"\r\n", b"250 " + b"x" * 4093):
        equal(fault(octets).key, "reply-too-long")


def test_a_reply_of_64_lines_is_one_and_of_65_is_too_long():
    equal([len(reply.lines) for reply in read(b"250-x\r\n" * 63 + b"250 x\r\n")], [64])
    equal(fault(b"250-x\r\n" * 64 + b"250 x\r\n").key, "reply-too-long")


def test_a_reply_of_8192_octets_is_one_and_of_8193_is_too_long():
    line = b"250-" + b"x" * 2042 + b"\r\n"
    equal([len(reply.lines) for reply in read(line * 3 + b"250 " + line[4:])], [4])
    equal(fault(line * 3 + b"250 x" + line[4:]).key, "reply-too-long")


def test_the_limits_are_those_of_one_line_and_of_one_reply():
    equal(len(read(b"250 2.1.5 OK\r\n" * 2000)), 2000)


def test_of_a_line_1024_characters_are_kept():
    for text in ("x " * 1000, "\u00e4" * 1500):
        (reply,) = read(b"250 " + text.encode() + b"\r\n")
        equal(reply.text, text[:1024])


def test_a_token_that_is_cut_off_does_not_show():
    for before in range(900, 1040, 2):
        (reply,) = read(b"535 " + b". " * (before // 2) + b"t" * 2000 + b"\r\n")
        equal("t" in reply.text, False)


def test_what_a_terminal_would_obey_becomes_a_question_mark():
    (reply,) = read(b"550 a\x1b[2Jb\x7fc\td\xc3\xa4\r\n")
    equal(reply.text, "a?[2Jb?c?d\u00e4")
    (reply,) = read(b"550 only\x7f\r\n")
    equal(reply.text, "only?")


def test_what_is_not_utf_8_becomes_question_marks_and_the_code_decides():
    (reply,) = read(b"250 2.0.0 f\xfcr\x1b\xc3 x\r\n")
    equal((reply.code, reply.enhanced, reply.text), (250, "2.0.0", "f?r?? x"))


def test_what_is_no_reply_is_shown_in_part_and_without_control_characters():
    text = str(fault(b"x\x1b[2J\xff\x00" + b"y:" * 100 + b"\r\n"))
    equal(('"x?[2J??' + "y:" * 16 + 'y":' in text, "y:" * 17 in text), (True, False))
    text = str(fault(b"5" + b"t" * 200 + b"\r\n"))
    equal(('"***??":' in text, "ttt" in text), (True, False))


def test_the_enhanced_status_code_is_that_of_the_first_line_and_no_part_of_the_text():
    (reply,) = read(b"550-5.7.1 one\r\n550-5.7.2 two\r\n550 three\r\n")
    equal((reply.enhanced, reply.lines), ("5.7.1", ["one", "two", "three"]))
    equal(str(reply), "550 5.7.1 one two three")


def test_what_only_resembles_an_enhanced_status_code_is_text():
    for text in ("5.7 x", "5.7.1.2 x", "4.7.1 x", "5.7.1234 x", "5.a.b x", "5..1 x", "5", "55.7.1 x"):
        (reply,) = read(b"550 " + text.encode() + b"\r\n")
        equal((reply.enhanced, reply.text), ("", text))


def test_the_reader_is_empty_when_nothing_is_left_of_what_came():
    reader = ReplyReader()
    for octets, empty in ((b"", True), (b"2", False), (b"50-x\r\n", False), (b"250 x\r\n", True)):
        reader.feed(octets)
        reader.take()
        equal((octets, reader.empty), (octets, empty))


def test_a_command_holds_printable_ascii_only():
    equal(command(" !~"), b" !~\r\n")
    for character in ("\x00", "\r", "\n", "\t", "\x1f", "\x7f", "\x80", "\u00e4", "\u2028"):
        error = raises(SettingsError, command, "MAIL FROM:<a%sb>" % character)
        equal(error.key, "control-character")


def test_the_lines_of_an_ehlo_reply():
    said = Capabilities(["PIPELINING CHUNKING", "", "  ", "size", "Auth login", "AUTH=PLAIN", "8BITMIME"])
    equal((said.pipelining, said.chunking, said.eight_bit), (False, False, True))
    equal((said.size, said.auth), (0, ("LOGIN", "PLAIN")))
    for line, size in (
        ("SIZE 1000", 1000),
        ("SIZE 0", 0),
        ("SIZE", 0),
        ("SIZE many", 0),
        ("SIZE -1", 0),
        ("SIZE \u00b2", 0),
    ):
        equal((line, Capabilities(["mail", line]).size), (line, size))
    equal(Capabilities(["mail"]).size, None)
