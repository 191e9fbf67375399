"""The firmware's HTTPS over real TLS, on both runtimes."""

import pytest
from certificates import HOST, root_der
from hostile_behaviours import LIMIT_S, dripping
from hostile_server import Behaviour, Peer, serve
from https_server import FORM, HEAD, JSON, chunked, cut, form_in, json_of, over_tls, saying, with_length
from sessions import RUNTIMES, run_jobs

from mailmote import explanations

CANARY = "canary"
PATH = "/contoso.test/oauth2/v2.0/token"
PAGE = b"<!DOCTYPE html><title>Sign in to the network</title>"
ELSEWHERE = (
    b"HTTP/1.1 302 Found\r\nLocation: https://portal.example/?back=canary\r\nContent-Length: 0\r\n\r\n"
)
# As large as those that Microsoft's sign-in service sends.
FIELDS = b"".join(
    b"%s: %s\r\n" % (name, b"x" * octets)
    for name, octets in ((b"P3P", 100), (b"Content-Security-Policy", 3000), (b"Set-Cookie", 4000)) * 2
)
LARGE_HEAD = HEAD + FIELDS

# What is said: (behaviour of the server, status, body, seconds to wait)
ANSWERS = {
    "a length": (saying(with_length(JSON)), 200, JSON, 0),
    "chunks": (saying(chunked(JSON, 10)), 200, JSON, 0),
    "a large head": (saying(with_length(JSON, LARGE_HEAD)), 200, JSON, 0),
    "16 kB": (saying(with_length(json_of(16384))), 200, json_of(16384), 0),
    "16 kB in chunks": (saying(chunked(json_of(16384), 1000)), 200, json_of(16384), 0),
    "an octet in each record": (
        saying(*(octets.to_bytes() for octets in chunked(JSON, 10))),
        200,
        JSON,
        0,
    ),
    "an interim answer": (saying(b"HTTP/1.1 100 Continue\r\n\r\n", with_length(JSON)), 200, JSON, 0),
    "throttled": (saying(b"HTTP/1.1 429 x\r\nRetry-After: 17\r\nContent-Length: 0\r\n\r\n"), 429, b"", 17),
    "refused": (saying(with_length(b'{"error":"x"}', b"HTTP/1.1 400 x\r\n")), 400, b'{"error":"x"}', 0),
    "a page in place of it": (saying(with_length(PAGE, b"HTTP/1.1 403 x\r\n")), 403, PAGE, 0),
    "a refusal without a length": (saying(b"HTTP/1.0 407 x\r\n\r\n" + PAGE), 407, b"", 0),
    "more than one answer": (saying(with_length(JSON) * 2), 200, JSON, 0),
}


def silent_after(octets: bytes) -> Behaviour:
    def behave(peer: Peer) -> None:
        peer.say(octets)
        peer.listen()

    return behave


silent = silent_after(b"")


def plain(peer: Peer) -> None:
    peer.until(b"\x16\x03")
    peer.say(b"HTTP/1.1 400 The plain HTTP request was sent to HTTPS port\r\n\r\n")
    peer.listen()


def hangs_up(peer: Peer) -> None:
    peer.until(b"\x16\x03")
    peer.hang_up()


def resets(peer: Peer) -> None:
    peer.until(b"\x16\x03")
    peer.reset()
    raise ConnectionAbortedError("reset")


WHOLE = with_length(JSON)
CHUNKED = chunked(JSON, 10)
ENDS = {
    "at once": (WHOLE, 0),
    "in the status line": (WHOLE, 9),
    "in a header field": (WHOLE, len(HEAD) - 5),
    "before the body": (WHOLE, len(WHOLE) - len(JSON)),
    "before the last octet": (WHOLE, len(WHOLE) - 1),
    "in a chunk": (CHUNKED, CHUNKED.index(JSON[:10]) + 3),
    "between chunks": (CHUNKED, CHUNKED.index(JSON[:10]) + 12),
    "before the last chunk": (CHUNKED, len(CHUNKED) - 5),
    "before the last line end": (CHUNKED, len(CHUNKED) - 2),
}

# What is no answer: (behaviour, key, words)
FAULTS = {
    "17 kB": (saying(with_length(json_of(17000))), "http-unusable", "more than 16384"),
    "17 kB in chunks": (saying(chunked(json_of(17000), 1000)), "http-unusable", "more than 16384"),
    "a head without an end": (
        saying(LARGE_HEAD + FIELDS),
        "http-unusable",
        "a head of",
    ),
    "no length": (saying(HEAD + b"\r\n" + JSON), "http-unusable", "without a length"),
    "no HTTP": (saying(b"220 mail.contoso.test ESMTP\r\n"), "http-unusable", "does not begin"),
    "a redirect": (saying(ELSEWHERE), "http-redirected", "on to portal.example,"),
    "silence": (over_tls(silent), "timeout", HOST),
    "silence after the head": (over_tls(silent_after(with_length(JSON)[:-1])), "timeout", HOST),
    "a head that drips": (over_tls(dripping(HEAD + b"X: ", b"x", b"\r\n\r\n")), "timeout", HOST),
    "a body that drips": (
        over_tls(dripping(HEAD + b"Content-Length: 999\r\n\r\n", b"x", b"")),
        "timeout",
        HOST,
    ),
    **{
        f"cut {where}": (cut(octets, after), "connection-closed", "HTTPS")
        for where, (octets, after) in ENDS.items()
    },
    **{
        f"reset {where}": (cut(octets, after, True), "connection-reset", HOST)
        for where, (octets, after) in ENDS.items()
    },
}

# What ends before the request: (behaviour, key)
NO_TLS = {
    "no TLS": (plain, "tls-failed"),
    "silence in the handshake": (silent, "timeout"),
    "closed in the handshake": (hangs_up, "tls-failed"),
    "reset in the handshake": (resets, "connection-reset"),
    "expired": (over_tls(silent, "expired"), "certificate-expired"),
    "wrong host": (over_tls(silent, "wrong host"), "certificate-wrong-host"),
    "self-signed": (over_tls(silent, "self-signed"), "certificate-untrusted"),
    "another CA": (over_tls(silent, "other CA with the same name"), "certificate-untrusted"),
}

CLASSES = {
    "http-unusable": "ProtocolError",
    "connection-closed": "ProtocolError",
    "connection-reset": "ProtocolError",
    "http-redirected": "RetryLater",
    "timeout": "RetryLater",
    "tls-failed": "RetryLater",
    "certificate-expired": "FixSettings",
    "certificate-wrong-host": "FixSettings",
    "certificate-untrusted": "FixSettings",
}
CASES = ANSWERS | FAULTS | NO_TLS
# These end with the time that is allowed; no other is short of it.
IMPATIENT = {
    name: {"handshake_limit_s" if name in NO_TLS else "answer_limit_s": LIMIT_S}
    for name, (_, key, *_) in (FAULTS | NO_TLS).items()
    if key == "timeout"
}


def job(port, **more):
    endpoint = {"host": HOST, "port": port, "connect_to": "127.0.0.1", "path": PATH}
    return {"endpoint": endpoint, "form": FORM} | more


def run(runtime, folder, jobs):
    """The outcome of each request of the jobs."""
    lists = run_jobs(runtime, folder, jobs, root_der(), program="https_client.py")
    return [outcome for outcomes in lists for outcome in outcomes]


@pytest.fixture(scope="module", params=RUNTIMES)
def done(request, tmp_path_factory):
    """The outcome of each case, and what its server heard: all are in one process, so none may leave
    anything behind.
    """
    with serve(*(case[0] for case in CASES.values())) as servers:
        jobs = [
            job(server.port, **IMPATIENT.get(name, {})) for name, server in zip(CASES, servers, strict=True)
        ]
        outcomes = run(request.param, tmp_path_factory.mktemp("https"), jobs)
    heard = []
    for server in servers:
        (peer,) = server.peers
        heard.append((bytes(peer.heard), bytes(peer.heard_in_tls)))
    return dict(zip(CASES, zip(outcomes, heard, strict=True), strict=True))


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer(done, name):
    outcome, (in_clear, in_tls) = done[name]
    _, status, body, wait_s = ANSWERS[name]
    assert outcome == {"status": status, "body": body.decode(), "wait_s": wait_s, "failure": None}
    assert in_tls.startswith(f"POST {PATH} HTTP/1.1\r\nHost: {HOST}:".encode())
    assert form_in(in_tls) == FORM
    assert in_clear == b""


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_no_answer_is_an_error_in_words(done, name):
    outcome, (in_clear, _) = done[name]
    _, key, words = FAULTS[name]
    failure = outcome["failure"]
    assert (failure["class"], failure["key"]) == (CLASSES[key], key)
    assert words in failure["text"]
    assert failure["text"].endswith(explanations.explain(key)[1])
    assert CANARY not in failure["text"]
    assert in_clear == b""


@pytest.mark.parametrize("name", NO_TLS)
def test_without_a_verified_server_nothing_of_the_request_is_sent(done, name):
    outcome, (in_clear, in_tls) = done[name]
    _, key = NO_TLS[name]
    assert (outcome["failure"]["class"], outcome["failure"]["key"]) == (CLASSES[key], key)
    assert in_tls == b""
    assert b"POST" not in in_clear
    assert CANARY.encode() not in in_clear


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_each_request_gives_its_turn_back(runtime, tmp_path):
    with serve(saying(with_length(JSON)), cut(WHOLE, 9)) as (good, bad):
        outcomes = run(runtime, tmp_path, [job(good.port, together=3), job(bad.port), job(good.port)])
    assert [outcome.get("status") for outcome in outcomes] == [200, 200, 200, None, 200]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_without_the_time_nobody_is_dialled(runtime, tmp_path):
    with serve(saying(with_length(JSON))) as (server,):
        (outcome,) = run(runtime, tmp_path, [job(server.port, clock_s=0)])
    assert outcome["failure"]["key"] == "clock-not-set"
    assert server.peers == []


# What is free, in one piece, for all that a request needs; 17,000 and 24,900 octets were enough on the 64-bit
# port, whose objects are twice as large as those of an ESP32.
@pytest.mark.parametrize(("octets", "free"), [(4096, 20000), (16384, 30000)])
@pytest.mark.parametrize("how", ["a length", "chunks"])
def test_a_small_heap_has_room_for_an_answer(tmp_path, octets, free, how):
    body = json_of(octets)
    answer = with_length(body, LARGE_HEAD) if how == "a length" else chunked(body, 1000, LARGE_HEAD)
    with serve(saying(with_length(JSON)), saying(answer)) as (short, long):
        jobs = [job(short.port), *(job(long.port, free_bytes=left) for left in (octets, free))]
        loaded, too_small, small = run("micropython", tmp_path, jobs)
    assert loaded["failure"] is None  # what is loaded at the first use stays
    assert too_small["failure"]["class"] == "MemoryError"
    assert small["body"] == body.decode()
