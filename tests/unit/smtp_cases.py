"""The dialogue's cases: what the client must have sent, then what the server says, turn by turn.

A case is (name, tls, sign-in, messages, turns, outcome). The sign-in is False, True for a password, or
"oauth". A message is (recipients, text). A turn is
(sent, reply): all that was sent since the last turn, with `<TLS>` for the upgrade. The outcome is a list with
a list of result keys for each message (None: delivered), or the key of the exception that ends it.
"""

EHLO = b"EHLO mote.contoso.test\r\n"
BANNER = b"220 mail.contoso.test ESMTP\r\n"
LONG_BANNER = b"220-mail.contoso.test ESMTP\r\n220-Only for members.\r\n220 Welcome\r\n"
BARE = b"250 mail.contoso.test\r\n"
PIPELINING = b"250-mail.contoso.test\r\n250 PIPELINING\r\n"
CHUNKING = b"250-mail.contoso.test\r\n250-pipelining\r\n250-SIZE 1000\r\n250-8bitmime\r\n250 Chunking\r\n"
CHUNKING_ONLY = b"250-mail.contoso.test\r\n250 CHUNKING\r\n"
BEFORE_TLS = b"250-mail.contoso.test\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 CHUNKING\r\n"
AFTER_TLS = b"250-mail.contoso.test\r\n250-PIPELINING\r\n250-AUTH LOGIN XOAUTH2\r\n250 CHUNKING\r\n"
PLAIN_TOO = b"250-mail.contoso.test\r\n250-AUTH=LOGIN PLAIN\r\n250 PIPELINING\r\n"
ONLY_OAUTH = b"250-mail.contoso.test\r\n250 AUTH XOAUTH2\r\n"
OK = b"250 2.1.0 OK\r\n"
MORE = b"354 Start mail input; end with <CRLF>.<CRLF>\r\n"

A, B, C = "a@contoso.test", "b@contoso.test", "c@contoso.test"
MAIL = b"MAIL FROM:<mote@contoso.test>\r\n"
RCPT_A, RCPT_B, RCPT_C = (b"RCPT TO:<%s>\r\n" % name.encode() for name in (A, B, C))
TEXT = b"Subject: hi\r\n\r\n.dot\r\n"
STUFFED = b"Subject: hi\r\n\r\n..dot\r\n.\r\n"
BDAT = b"BDAT 21 LAST\r\n" + TEXT
SIZED = b"MAIL FROM:<mote@contoso.test> SIZE=21\r\n"
LOGIN = b"AUTH LOGIN bW90ZUBjb250b3NvLnRlc3Q=\r\n"
PASSWORD = b"Y2FuYXJ5\r\n"
XOAUTH2 = b"AUTH XOAUTH2 dXNlcj1tb3RlQGNvbnRvc28udGVzdAFhdXRoPUJlYXJlciBjYW5hcnkBAQ==\r\n"
ONE = [((A,), TEXT)]
UNKNOWN = b"550 5.4.1 [b@contoso.test]: Recipient address rejected: Access denied\r\n"
BUSY = b"451 4.7.500 Server busy. Please try again later from [203.0.113.7]. (S77714)\r\n"
TLS_OPENING = [(b"", BANNER), (EHLO, BEFORE_TLS), (b"STARTTLS\r\n", b"220 2.0.0 SMTP server ready\r\n")]
CHALLENGE = b"334 UGFzc3dvcmQ6\r\n"
SIGNED_IN = b"235 2.7.0 Authentication successful\r\n"

CASES = [
    (
        "lock step without any extension",
        "none",
        False,
        ONE,
        [(b"", BANNER), (EHLO, BARE), (MAIL, OK), (RCPT_A, OK), (b"DATA\r\n", MORE), (STUFFED, OK)],
        [[None]],
    ),
    (
        "a banner and a final reply of several lines",
        "none",
        False,
        ONE,
        [
            (b"", LONG_BANNER),
            (EHLO, PIPELINING),
            (MAIL + RCPT_A + b"DATA\r\n", OK + OK + MORE),
            (STUFFED, b"250-2.6.0 queued\r\n250 2.6.0 for delivery\r\n"),
        ],
        [[None]],
    ),
    (
        "HELO where EHLO is unknown",
        "none",
        False,
        ONE,
        [
            (b"", BANNER),
            (EHLO, b"502 5.5.1 Command not implemented\r\n"),
            (b"HELO mote.contoso.test\r\n", BARE),
            (MAIL, OK),
            (RCPT_A, OK),
            (b"DATA\r\n", MORE),
            (STUFFED, OK),
        ],
        [[None]],
    ),
    (
        "pipelining, one recipient of three refused",
        "none",
        False,
        [((A, B, C), TEXT)],
        [
            (b"", BANNER),
            (EHLO, PIPELINING),
            (MAIL + RCPT_A + RCPT_B + RCPT_C + b"DATA\r\n", OK + OK + UNKNOWN + OK + MORE),
            (STUFFED, OK),
        ],
        [[None, "unknown-recipient", None]],
    ),
    (
        "pipelining, every recipient refused, DATA refused",
        "none",
        False,
        [((B,), TEXT), ((A,), TEXT)],
        [
            (b"", BANNER),
            (EHLO, PIPELINING),
            (MAIL + RCPT_B + b"DATA\r\n", OK + UNKNOWN + b"503 5.5.1 No valid recipients\r\n"),
            (b"RSET\r\n", OK),
            (MAIL + RCPT_A + b"DATA\r\n", OK + OK + MORE),
            (STUFFED, OK),
        ],
        [["unknown-recipient"], [None]],
    ),
    (
        "pipelining, every recipient refused, DATA taken all the same",
        "none",
        False,
        [((B,), TEXT)],
        [
            (b"", BANNER),
            (EHLO, PIPELINING),
            (MAIL + RCPT_B + b"DATA\r\n", OK + UNKNOWN + MORE),
            (b".\r\n", OK),
        ],
        [["unknown-recipient"]],
    ),
    (
        "chunking: envelope and message in one flight; a second message in one more",
        "none",
        False,
        [((A,), TEXT), ((A, B), TEXT)],
        [
            (b"", BANNER),
            (EHLO, CHUNKING),
            (SIZED + RCPT_A + BDAT, OK + OK + OK),
            (SIZED + RCPT_A + RCPT_B + BDAT, OK + OK + BUSY + OK),
        ],
        [[None], [None, "server-busy"]],
    ),
    (
        "chunking without pipelining",
        "none",
        False,
        ONE,
        [(b"", BANNER), (EHLO, CHUNKING_ONLY), (MAIL, OK), (RCPT_A, OK), (BDAT, OK)],
        [[None]],
    ),
    (
        "chunking, the sender refused: the rest of the flight is answered and minds nothing",
        "none",
        False,
        ONE,
        [
            (b"", BANNER),
            (EHLO, CHUNKING),
            (
                SIZED + RCPT_A + BDAT,
                b"530 5.7.57 Client not authenticated to send mail.\r\n"
                b"503 5.5.1 Bad sequence\r\n503 5.5.1 Bad sequence\r\n",
            ),
            (b"RSET\r\n", OK),
        ],
        [["not-authenticated"]],
    ),
    (
        "a large message waits for its envelope to be accepted",
        "none",
        False,
        [((A,), b"x" * 20000)],
        [
            (b"", BANNER),
            (EHLO, b"250-mail\r\n250-PIPELINING\r\n250 CHUNKING\r\n"),
            (MAIL + RCPT_A, OK + OK),
            (b"BDAT 20000 LAST\r\n" + b"x" * 20000, OK),
        ],
        [[None]],
    ),
    (
        "a large message whose recipients are all refused is not sent",
        "none",
        False,
        [((B,), b"x" * 20000)],
        [
            (b"", BANNER),
            (EHLO, b"250-mail\r\n250-PIPELINING\r\n250 CHUNKING\r\n"),
            (MAIL + RCPT_B, OK + UNKNOWN),
            (b"RSET\r\n", OK),
        ],
        [["unknown-recipient"]],
    ),
    (
        "8BITMIME where offered and needed",
        "none",
        False,
        [((A,), b"Subject: \xc3\xa4\r\n")],
        [
            (b"", BANNER),
            (EHLO, CHUNKING),
            (
                b"MAIL FROM:<mote@contoso.test> SIZE=13 BODY=8BITMIME\r\n"
                + RCPT_A
                + b"BDAT 13 LAST\r\nSubject: \xc3\xa4\r\n",
                OK + OK + OK,
            ),
        ],
        [[None]],
    ),
    (
        "the message refused after its content",
        "none",
        False,
        [((A, B), TEXT)],
        [
            (b"", BANNER),
            (EHLO, CHUNKING),
            (
                SIZED + RCPT_A + RCPT_B + BDAT,
                OK + OK + UNKNOWN + b"432 4.3.2 Concurrent connections limit exceeded. Visit x\r\n",
            ),
            (b"RSET\r\n", OK),
        ],
        [["concurrent-connections", "unknown-recipient"]],
    ),
    (
        "a message larger than SIZE is refused before a byte of it",
        "none",
        False,
        [((A,), b"x" * 1001)],
        [(b"", BANNER), (EHLO, CHUNKING)],
        "message-too-large",
    ),
    (
        "STARTTLS, EHLO again, AUTH LOGIN",
        "required",
        True,
        ONE,
        TLS_OPENING
        + [
            (b"<TLS>" + EHLO, AFTER_TLS),
            (LOGIN, CHALLENGE),
            (PASSWORD, SIGNED_IN),
            (MAIL + RCPT_A + BDAT, OK + OK + OK),
        ],
        [[None]],
    ),
    (
        "AUTH LOGIN with a server that asks for the user name again",
        "required",
        True,
        ONE,
        TLS_OPENING
        + [
            (b"<TLS>" + EHLO, AFTER_TLS),
            (LOGIN, b"334 VXNlcm5hbWU6\r\n"),
            (b"bW90ZUBjb250b3NvLnRlc3Q=\r\n", CHALLENGE),
            (PASSWORD, SIGNED_IN),
            (MAIL + RCPT_A + BDAT, OK + OK + OK),
        ],
        [[None]],
    ),
    (
        "AUTH PLAIN where offered: one round trip less",
        "required",
        True,
        ONE,
        TLS_OPENING
        + [
            (b"<TLS>" + EHLO, PLAIN_TOO),
            (b"AUTH PLAIN AG1vdGVAY29udG9zby50ZXN0AGNhbmFyeQ==\r\n", SIGNED_IN),
            (MAIL + RCPT_A + b"DATA\r\n", OK + OK + MORE),
            (STUFFED, OK),
        ],
        [[None]],
    ),
    (
        "a wrong password",
        "required",
        True,
        ONE,
        TLS_OPENING
        + [
            (b"<TLS>" + EHLO, AFTER_TLS),
            (LOGIN, CHALLENGE),
            (
                PASSWORD,
                b"535 5.7.139 Authentication unsuccessful, the user credentials were incorrect. "
                b"[SY5P282CA0097.outlook.office365.com 2026-08-28T19:45:50.437Z 08DF04C6D9A404E7]\r\n",
            ),
        ],
        "wrong-password",
    ),
    (
        "XOAUTH2 in one line",
        "required",
        "oauth",
        ONE,
        TLS_OPENING
        + [(b"<TLS>" + EHLO, AFTER_TLS), (XOAUTH2, SIGNED_IN), (MAIL + RCPT_A + BDAT, OK + OK + OK)],
        [[None]],
    ),
    (
        "a token that is refused at once",
        "required",
        "oauth",
        ONE,
        TLS_OPENING + [(b"<TLS>" + EHLO, AFTER_TLS), (XOAUTH2, b"535 5.7.3 Authentication unsuccessful\r\n")],
        "bad-token",
    ),
    (
        "a token that is refused with a challenge, which gets an empty line",
        "required",
        "oauth",
        ONE,
        TLS_OPENING
        + [
            (b"<TLS>" + EHLO, AFTER_TLS),
            (XOAUTH2, b"334 eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIn0=\r\n"),
            (b"\r\n", b"535 5.7.3 Authentication unsuccessful\r\n"),
        ],
        "bad-token",
    ),
    (
        "challenges to a token without end",
        "required",
        "oauth",
        ONE,
        TLS_OPENING + [(b"<TLS>" + EHLO, AFTER_TLS), (XOAUTH2, b"334 e30=\r\n"), (b"\r\n", b"334 e30=\r\n")],
        "malformed-reply",
    ),
    (
        "no sign-in with a token",
        "required",
        "oauth",
        ONE,
        TLS_OPENING + [(b"<TLS>" + EHLO, PLAIN_TOO)],
        "no-oauth",
    ),
    (
        "a token is not shown without TLS",
        "none",
        "oauth",
        ONE,
        [(b"", BANNER), (EHLO, AFTER_TLS)],
        "auth-needs-tls",
    ),
    (
        "no sign-in with a password",
        "required",
        True,
        ONE,
        TLS_OPENING + [(b"<TLS>" + EHLO, ONLY_OAUTH)],
        "no-password-auth",
    ),
    (
        "a challenge without end",
        "required",
        True,
        ONE,
        TLS_OPENING
        + [
            (b"<TLS>" + EHLO, AFTER_TLS),
            (LOGIN, CHALLENGE),
            (PASSWORD, CHALLENGE),
            (PASSWORD, CHALLENGE),
        ],
        "malformed-reply",
    ),
    (
        "a challenge that is no base64",
        "required",
        True,
        ONE,
        TLS_OPENING + [(b"<TLS>" + EHLO, AFTER_TLS), (LOGIN, b"334 A\r\n")],
        "malformed-reply",
    ),
    (
        "STARTTLS stripped: nothing more is sent",
        "required",
        True,
        ONE,
        [(b"", BANNER), (EHLO, AFTER_TLS)],
        "starttls-missing",
    ),
    (
        "STARTTLS in lower case",
        "required",
        False,
        ONE,
        [
            (b"", BANNER),
            (EHLO, b"250-mail\r\n250 starttls\r\n"),
            (b"STARTTLS\r\n", b"220 go\r\n"),
            (b"<TLS>" + EHLO, b"250-mail\r\n250-PIPELINING\r\n250 CHUNKING\r\n"),
            (MAIL + RCPT_A + BDAT, OK + OK + OK),
        ],
        [[None]],
    ),
    (
        "STARTTLS refused: nothing goes in clear",
        "opportunistic",
        False,
        ONE,
        [(b"", BANNER), (EHLO, BEFORE_TLS), (b"STARTTLS\r\n", b"454 4.7.0 TLS not available\r\n")],
        "later",
    ),
    (
        "opportunistic TLS where it is not offered",
        "opportunistic",
        False,
        ONE,
        [(b"", BANNER), (EHLO, PIPELINING), (MAIL + RCPT_A + b"DATA\r\n", OK + OK + MORE), (STUFFED, OK)],
        [[None]],
    ),
    (
        "replies injected behind the 220 to STARTTLS",
        "required",
        True,
        ONE,
        [(b"", BANNER), (EHLO, BEFORE_TLS), (b"STARTTLS\r\n", b"220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n")],
        "starttls-injection",
    ),
    (
        "never a password without TLS",
        "none",
        True,
        ONE,
        [(b"", BANNER), (EHLO, AFTER_TLS)],
        "auth-needs-tls",
    ),
    ("a banner that refuses", "none", False, ONE, [(b"", b"554 5.7.1 No service for you\r\n")], "fix"),
    (
        "421 in the middle of an envelope",
        "none",
        False,
        ONE,
        [
            (b"", BANNER),
            (EHLO, PIPELINING),
            (MAIL + RCPT_A + b"DATA\r\n", OK + b"421 4.3.2 Service shutting down\r\n"),
        ],
        "later",
    ),
    (
        "lines of one reply with two codes",
        "none",
        False,
        ONE,
        [(b"", b"220-mail\r\n250 mail\r\n")],
        "malformed-reply",
    ),
    ("no reply code", "none", False, ONE, [(b"", b"abc\r\n")], "malformed-reply"),
    ("an empty line", "none", False, ONE, [(b"", b"\r\n")], "malformed-reply"),
    ("a code beyond 599", "none", False, ONE, [(b"", b"650 mail\r\n")], "malformed-reply"),
    ("a code and no blank", "none", False, ONE, [(b"", b"220mail\r\n")], "malformed-reply"),
    ("not UTF-8", "none", False, ONE, [(b"", b"\xff\xfe\r\n")], "malformed-reply"),
    (
        "a text that is not UTF-8 undoes no acceptance",
        "none",
        False,
        ONE,
        [
            (b"", BANNER),
            (EHLO, CHUNKING),
            (SIZED + RCPT_A + BDAT, OK + OK + b"250 2.0.0 f\xfcr Sie angenommen\r\n"),
        ],
        [[None]],
    ),
    ("a bare line feed", "none", False, ONE, [(b"", b"220 mail\n")], "malformed-reply"),
    ("a line without end", "none", False, ONE, [(b"", b"220 " + b"x" * 4100)], "reply-too-long"),
    ("a flood of lines", "none", False, ONE, [(b"", b"220-x\r\n" * 65)], "reply-too-long"),
    (
        "long lines in number",
        "none",
        False,
        ONE,
        [(b"", (b"220-" + b"x" * 2000 + b"\r\n") * 5)],
        "reply-too-long",
    ),
]
