"""HTTP answers: whole, octet by octet, cut at each octet, with a tail; what is none; the request."""

import asyncio
import json

from expect import equal, raises

from mailmote import compat
from mailmote.errors import ProtocolError, RetryLater, SettingsError
from mailmote.net import https
from mailmote.net.http_answer import Answer

JSON = b'{"access_token":"eyJ0"}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
LENGTH = b"Content-Length: 23\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
COOKIE = b"Set-Cookie: fpc=" + b"A" * 3000 + b"; path=/; secure; HttpOnly\r\n"
BLANKS = b" " * 300  # more than is kept of a line

# Name: (octets, status, body, seconds to wait)
ANSWERS = {
    "a length": (HEAD + LENGTH + JSON, 200, JSON, 0),
    "long cookies, and a length after them": (HEAD + COOKIE * 4 + LENGTH + JSON, 200, JSON, 0),
    "one chunk": (HEAD + CHUNKED + b"17\r\n" + JSON + b"\r\n0\r\n\r\n", 200, JSON, 0),
    "chunks with extensions and trailers": (
        HEAD
        + CHUNKED
        + b"3;a=b\r\n"
        + JSON[:3]
        + b"\r\n14 ; c\r\n"
        + JSON[3:]
        + b"\r\n0\r\nX: y\r\nZ: 1\r\n\r\n",
        200,
        JSON,
        0,
    ),
    "chunk sizes in either case": (
        HEAD + CHUNKED + b"a\r\n0123456789\r\nA\r\nabcdefghij\r\n000\r\n\r\n",
        200,
        b"0123456789abcdefghij",
        0,
    ),
    "sizes that begin with zeros": (
        HEAD + CHUNKED + b"000000a\r\n0123456789\r\n0000000\r\n\r\n",
        200,
        b"0123456789",
        0,
    ),
    "a length that begins with zeros": (HEAD + b"Content-Length: 0000000023\r\n\r\n" + JSON, 200, JSON, 0),
    "an empty body": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, b"", 0),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", 0),
    "no reason, and names in capitals": (b"HTTP/1.1 400\r\nCONTENT-LENGTH:2\r\n\r\n{}", 400, b"{}", 0),
    "an interim answer before": (
        b"HTTP/1.1 100 Continue\r\nRetry-After: 9\r\n\r\n" + HEAD + LENGTH + JSON,
        200,
        JSON,
        0,
    ),
    "a wait": (
        b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n",
        429,
        b"",
        30,
    ),
    "a wait for longer than a day": (
        b"HTTP/1.1 503 x\r\nretry-after: 999999\r\nContent-Length: 0\r\n\r\n",
        503,
        b"",
        86400,
    ),
    "a wait beyond any number": (
        b"HTTP/1.1 503 x\r\nRetry-After: 99999999999999999999\r\nContent-Length: 0\r\n\r\n",
        503,
        b"",
        86400,
    ),
    "a wait in a long line": (
        b"HTTP/1.1 503 x\r\nRetry-After: 30" + BLANKS + b"\r\nContent-Length: 0\r\n\r\n",
        503,
        b"",
        0,
    ),
    "a refusal without a length, whatever follows": (
        b"HTTP/1.1 503 x\r\nRetry-After: 7\r\n\r\n",
        503,
        b"",
        7,
    ),
    "a wait until a date": (
        b"HTTP/1.1 503 x\r\nRetry-After: Mon, 1 Jan\r\nContent-Length: 0\r\n\r\n",
        503,
        b"",
        0,
    ),
    "the same length twice": (HEAD + b"Content-Length: 23\r\n" + LENGTH + JSON, 200, JSON, 0),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\n" + LENGTH + JSON, 200, JSON, 0),
    "a page": (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", 200, b"<html>", 0),
    "as long as can be": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 16384\r\n\r\n" + b"x" * 16384,
        200,
        b"x" * 16384,
        0,
    ),
}

# What it is no answer for: (octets, words of the error)
BROKEN = (
    (b"220 mail.contoso.test ESMTP\r\n", "does not begin"),
    (b"PRI * HTTP/2.0\r\n", "does not begin"),
    (b"HTTP/2 200\r\n", "does not begin"),
    (b"HTTP/2.0 200 OK\r\n", "does not begin"),
    (b"HTTP/1.1 20\r\n", "does not begin"),
    (b"HTTP/1.1 2000\r\n", "does not begin"),
    (b"HTTP/1.1 600 x\r\n", "does not begin"),
    (b"HTTP/1.1 abc\r\n", "does not begin"),
    (b"HTTP/1.1  200 OK\r\n", "does not begin"),
    (b"\r\n", "does not begin"),
    (b"HTTP/1.1 200 OK\n", "without CRLF"),
    (HEAD + b"\n", "without CRLF"),
    (HEAD + b"X: y\nContent-Length: 0\r\n\r\n", "without CRLF"),
    (HEAD + b" folded\r\n", "malformed header"),
    (HEAD + b"no colon\r\n", "malformed header"),
    (HEAD + b": empty\r\n", "malformed header"),
    (HEAD + b"Content-Length : 3\r\n", "malformed header"),
    (HEAD + b"X: a\x7fb\r\n", "control character"),
    (HEAD + b"X: a\x00b\r\n", "control character"),
    (HEAD + b"X: a\rb\r\n", "control character"),
    (HEAD + b"Content-Length: -1\r\n", "no number"),
    (HEAD + b"Content-Length: 1,1\r\n", "no number"),
    (HEAD + b"Content-Length: 0x1\r\n", "no number"),
    (HEAD + b"Content-Length:\r\n", "no number"),
    (HEAD + b"Content-Length: 3" + BLANKS + b"4\r\n", "no number"),
    (HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n", "two lengths"),
    (HEAD + b"\r\n" + JSON, "without a length"),
    (b"HTTP/1.1 201 Created\r\n\r\n", "without a length"),
    (HEAD + b"Content-Length: 16385\r\n", "more than 16384"),
    (HEAD + b"Content-Length: 99999999999999999999\r\n", "more than 16384"),
    (HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", "chunks and a length"),
    (HEAD + b"Transfer-Encoding: gzip\r\n", "transfer coding"),
    (HEAD + b"Transfer-Encoding: gzip, chunked\r\n", "transfer coding"),
    (HEAD + b"Transfer-Encoding: chunked" + BLANKS + b", gzip\r\n", "transfer coding"),
    (HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "transfer coding"),
    (HEAD + CHUNKED + b"\r\n", "no number"),
    (HEAD + CHUNKED + b"g\r\n", "no number"),
    (HEAD + CHUNKED + b"-1\r\n", "no number"),
    (HEAD + CHUNKED + b"1\r\nab\r\n", "longer than it says"),
    (HEAD + CHUNKED + b"4001\r\n", "more than 16384"),
    (HEAD + CHUNKED + b"fffffffff\r\n", "more than 16384"),
    (HEAD + CHUNKED + (b"1000\r\n" + b"x" * 4096 + b"\r\n") * 4 + b"1\r\n", "more than 16384"),
    (HEAD + CHUNKED + b"1" + BLANKS + b"0\r\n", "no number"),
    (HEAD + CHUNKED + b"1\r\nx\r\n" * 4000, "a head of more"),
    (HEAD + COOKIE * 6, "a head of more"),
    (HEAD + b"X: y\r\n" * 3000, "a head of more"),
    (HEAD + CHUNKED + b"1;" + b"x" * 20000, "a head of more"),
    (b"HTTP/1.1 100 x\r\n\r\n" * 5, "interim"),
    (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "interim"),
)

REDIRECTS = (
    (b"https://evil.example/token?refresh_token=canary#canary", "evil.example"),
    (b"https://user:canary@evil.example:8443/x", "evil.example:8443"),
    (b"https://evil.example?canary", "on to evil.example,"),
    (b"https://evil.example#canary", "on to evil.example,"),
    (b"https://evil\xff.example/", "on to evil?.example,"),
    (b"//evil.example/x", "another page"),
    (b"/other/path?canary", "another page"),
    (b"", "another page"),
    (b"https://user:canary" + b"-" * 300 + b"@evil.example/", "another page"),
)


def taken(octets, step, tail=b""):
    """The Answer, fed in pieces of `step` octets."""
    answer = Answer("login.test")
    octets += tail
    for start in range(0, len(octets), step):
        answer.feed(memoryview(octets)[start : start + step])
    return answer


def test_answers_in_pieces_of_any_size_and_with_a_tail():
    for name, (octets, status, body, wait_s) in ANSWERS.items():
        for step in (len(octets), 512, 7, 1) if len(octets) < 2000 else (len(octets), 512):
            for tail in (b"", b"HTTP/1.1 500 and more", b"\r\n" + b"x" * 600):
                answer = taken(octets, step, tail)
                equal((name, answer.done, answer.status, bytes(answer.body)), (name, True, status, body))
                equal(answer.retry_after_s, wait_s)


def test_a_cut_at_each_octet_is_no_answer():
    for name, (octets, _, _, _) in ANSWERS.items():
        for end in range(len(octets)) if len(octets) < 2000 else (300, len(octets) - 1):
            answer = taken(octets[:end], 64)
            equal((name, end, answer.done), (name, end, False))
            if end % 40 == 0:
                equal(raises(ProtocolError, answer.feed, b"").key, "connection-closed")


def test_what_follows_an_answer_is_not_looked_at():
    equal(taken(HEAD + LENGTH + JSON, 512, b"x" * 20000).status, 200)


def test_a_line_as_long_as_what_is_kept_of_it():
    for octets in range(250, 262):
        field = b"X: " + b"x" * (octets - 3) + b"\r\n"
        equal(taken(HEAD + field + LENGTH + JSON, 512).status, 200)


def test_a_stream_that_ends_at_once_is_told_from_one_that_is_cut():
    for octets, how in ((b"", "without an answer"), (b"H", "in the middle of an answer")):
        answer = taken(octets, 1)
        equal(how in str(raises(ProtocolError, answer.feed, b"")), True)


def test_half_an_object_may_pass_for_json():
    """Why an answer must say how long it is. MicroPython's parser takes this; CPython's does not."""
    try:
        equal(json.loads('{"access_token":"eyJ0"'), {"access_token": "eyJ0"})
    except ValueError:
        equal(compat.MICROPYTHON, False)


def test_what_is_no_answer_is_an_error_of_the_peer():
    for octets, words in BROKEN:
        for step in (len(octets), 100, 1) if len(octets) < 2000 else (len(octets), 100):
            error = raises(ProtocolError, taken, octets, step)
            equal(
                (octets[:60], error.key, words in str(error), "login.test" in str(error)),
                (octets[:60], "http-unusable", True, True),
            )


def test_a_redirect_is_not_followed_and_only_its_host_is_told():
    for location, host in REDIRECTS:
        for status in (b"301", b"302", b"307", b"308"):
            octets = b"HTTP/1.1 %s Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, location)
            error = raises(RetryLater, taken, octets, 16)
            equal((error.key, host in str(error), "canary" in str(error)), ("http-redirected", True, False))


def test_a_form():
    for pairs, octets in (
        ((), b""),
        ((("a", "b"),), b"a=b"),
        (
            (("scope", "https://x/.default offline"), ("t", b"~-._aZ09")),
            b"scope=https%3A%2F%2Fx%2F.default%20offline&t=~-._aZ09",
        ),
        ((("p", b"a&b=c+d%e\r\n\x00\xff"),), b"p=a%26b%3Dc%2Bd%25e%0D%0A%00%FF"),
        ((("u", "\xfc\u2192"),), b"u=%C3%BC%E2%86%92"),
    ):
        equal(bytes(https.form(pairs)), octets)


class Peer:
    """Stands for a Stream that says `says`, piece by piece; `fails`: the step at which it raises."""

    def __init__(self, says, fails=""):
        self.says = list(says)
        self.fails = fails
        self.steps = []
        self.beat_s = None
        self.written = b""
        self.closed = 0

    async def upgrade(self, context, server_hostname, timeout_ms):
        self._step("upgrade " + server_hostname, timeout_ms)

    async def write(self, data, timeout_ms):
        self._step("write", timeout_ms)
        self.written += bytes(data)

    async def read_into(self, buffer, timeout_ms):
        self._step("read", timeout_ms)
        data = self.says.pop(0) if self.says else b""
        buffer[: len(data)] = data
        return len(data)

    def close(self):
        self.closed += 1

    def beat(self, within_s=0):
        self.beat_s = within_s
        self.steps.append("beat")

    def _step(self, what, timeout_ms):
        equal((what, self.beat_s * 1000 >= timeout_ms > 0), (what, True))
        self.steps.append(what)
        if self.fails and what.startswith(self.fails):
            raise RetryLater("planned", "planned")


class Tls:
    @staticmethod
    def context():
        return None


def posted(peer, host="login.test", port=443, path="/t/token", connect_to=None):
    """(the outcome of a post, what it dialled)."""
    endpoint = {"host": host, "port": port, "path": path}
    if connect_to:
        endpoint["connect_to"] = connect_to
    return dialling(peer, lambda: https.post(endpoint, b"a=canary", peer))


def dialling(peer, begin):
    """(the outcome of the coroutine that `begin` makes, what it dialled): it finds the peer there."""
    dialled = []

    async def connect(host, port):
        peer._step("connect", 60000)
        dialled.append((host, port))
        return peer

    before = https.connect, https.tls
    https.connect, https.tls = connect, Tls
    try:
        return asyncio.run(begin()), dialled
    finally:
        https.connect, https.tls = before


REQUEST = (
    b"POST /t/token HTTP/1.1\r\nHost: login.test\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 8\r\nAccept: application/json\r\nConnection: close\r\n\r\na=canary"
)


def test_a_post_says_all_of_it_after_the_handshake_and_closes():
    octets = HEAD + b"Retry-After: 3\r\n" + LENGTH + JSON
    peer = Peer([octets[start : start + 50] for start in range(0, len(octets), 50)])
    (status, body, wait_s), dialled = posted(peer)
    equal((status, bytes(body), wait_s, dialled), (200, JSON, 3, [("login.test", 443)]))
    equal((peer.written, peer.closed), (REQUEST, 1))
    steps = ("connect", "upgrade login.test", "write", "read")
    equal((peer.steps[:8:2], peer.steps[1:8:2]), (["beat"] * 4, list(steps)))


def test_another_port_and_another_address():
    peer = Peer([HEAD + LENGTH + JSON])
    _, dialled = posted(peer, port=8443, connect_to="192.0.2.7")
    equal((dialled, peer.steps[3]), ([("192.0.2.7", 8443)], "upgrade login.test"))
    equal(b"\r\nHost: login.test:8443\r\n" in peer.written, True)


def test_every_end_closes_and_a_failed_handshake_shows_nothing():
    for fails, written in (("upgrade", b""), ("write", b""), ("read", REQUEST)):
        peer = Peer([], fails)
        raises(RetryLater, posted, peer)
        equal((peer.written, peer.closed), (written, 1))
    peer = Peer([b"HTTP/1.1 200 OK\r\nContent-Le", b""])
    equal((raises(ProtocolError, posted, peer).key, peer.closed), ("connection-closed", 1))


def test_a_cancelled_post_closes():
    class Silent(Peer):
        async def read_into(self, buffer, timeout_ms):
            reading.set()
            await asyncio.Event().wait()

    async def cancelled():
        endpoint = {"host": "login.test", "port": 443, "path": "/t/token"}
        task = asyncio.create_task(https.post(endpoint, b"a=canary", peer))
        await reading.wait()
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return True

    reading = asyncio.Event()
    peer = Silent([])
    outcome, _ = dialling(peer, cancelled)
    equal((outcome, peer.written, peer.closed), (True, REQUEST, 1))


def test_what_would_be_another_line_of_the_request_is_refused_before_anything_is_dialled():
    for host, path in (
        ("login.test\r\nX: y", "/t/token"),
        ("login.test", "/t/token HTTP/1.1\r\nX: y"),
        ("login.test", "/t t"),
        ("login.test", "/\x7f"),
        ("login.test", "/\xfc"),
    ):
        peer = Peer([])
        error = raises(SettingsError, posted, peer, host, 443, path)
        equal((error.key, peer.beat_s, peer.closed), ("control-character", None, 0))


def test_an_answer_that_drips_has_one_deadline():
    now_ms = [1000]
    before = compat.ticks_ms, compat.ticks_add, compat.ticks_diff
    waits = []

    class Dripping(Peer):
        async def read_into(self, buffer, timeout_ms):
            waits.append(timeout_ms)
            now_ms[0] += 25000
            if timeout_ms <= 0:
                raise RetryLater("planned", "timeout")
            return await Peer.read_into(self, buffer, timeout_ms)

    compat.ticks_ms = lambda: now_ms[0]
    compat.ticks_add, compat.ticks_diff = (lambda ticks, by: ticks + by), (lambda late, early: late - early)
    try:
        equal(raises(RetryLater, posted, Dripping([b"H", b"T", b"T", b"P", b"/"])).key, "timeout")
    finally:
        compat.ticks_ms, compat.ticks_add, compat.ticks_diff = before
    equal(waits, [60000, 35000, 10000, -15000])
