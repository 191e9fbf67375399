"""umail, on both runtimes: programs written for uMail run unchanged, and hostile servers get nothing."""

import base64
import email
import email.policy
import json
import socket
import subprocess
import sys
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

import pytest
from sessions import FIRMWARE, HERE, RUNTIMES
from umail_server import DrippingHandshake, Server, implicit_tls

from mailmote import explanations
from mailmote_host.tenant import service as tenant_service
from mailmote_host.tenant.ca import Authority, process_authority
from mailmote_host.tenant.directory import Application
from mailmote_host.tenant.faults import FIN, RST, Delay, Fault, Reply, Stage
from mailmote_host.tenant.model import Mailbox, Tenant
from mailmote_host.virtual import interpreter
from mailmote_host.virtual.board import VirtualBoard

# umail sends one command at a time: the tenant need not wait for the rest of a flight.
serve = partial(tenant_service.serve, patience_s=0.0)

MOTE = "mote@contoso.test"
FACILITIES = "facilities@contoso.test"
PASSWORD = "canary-password"
MAIL = "From: mote@contoso.test\r\nSubject: Freezer\r\n\r\nIt is too warm.\r\n"
# What a board gets that has umail alone; the last ones are loaded only to explain a fault.
MODULES = (
    "umail",
    *(f"mailmote/{name}" for name in ("__init__", "civil", "compat", "errors", "log", "redaction")),
    "mailmote/explanations/__init__",
    *(
        f"mailmote/net/{name}"
        for name in ("__init__", "blocking", "bundle", "clock", "lockstep", "names", "stream", "tls")
    ),
    *(
        f"mailmote/smtp/{name}"
        for name in ("__init__", "auth", "capabilities", "credentials", "dots", "lines", "refusal", "replies")
    ),
)
FOR_FAULTS = (
    "mailmote/net/tls_errors",
    *(f"mailmote/explanations/{part}" for part in ("for_programs", *explanations._PARTS)),
)


def tenant(**more):
    return Tenant(
        accepted_domains=("contoso.test",),
        mailboxes=[Mailbox(MOTE, PASSWORD, send_as={"alerts@contoso.test"})],
        contacts={FACILITIES, "a@contoso.test", "b@contoso.test"},
        **more,
    )


@pytest.fixture(params=RUNTIMES)
def runtime(request):
    return request.param


# Programs


def run_program(runtime, folder, name, port, files=()):
    """What a program prints that has its own server, `/ca.pem` and files: on a board, or in CPython."""
    source = (HERE / name).read_text(encoding="utf-8")
    for standing in ("587", "465"):
        source = source.replace(f'"smtp.example.com", {standing}', f'"localhost", {port}')
    files = {"ca.pem": process_authority().root_pem.encode(), **dict(files)}
    if runtime == "micropython":
        files |= {"boot.py": b"", "main.py": source.encode()}
        with VirtualBoard(folder / "board", {}, {}, files, heapsize="144K") as board:
            board.start()
            assert board.wait(60) == 0, board.console
            return board.console
    for file, content in files.items():
        (folder / file).write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", f"import umail; umail.CA_FILE = 'ca.pem'\n{source}"],
        env={"PYTHONPATH": str(FIRMWARE)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_basic_program(runtime, tmp_path):
    with serve(tenant()) as service:
        assert run_program(runtime, tmp_path, "umail_basic.py", service.submission.port) == ""
        (message,) = service.messages
        (session,) = service.wait_for_endings(1)
    assert message.data == b"From: mote@contoso.test\r\nSubject: Freezer\r\n\r\nIt is too warm.\r\n"
    assert (message.mail_from, message.recipients, message.auth) == (MOTE, [FACILITIES], ("LOGIN", MOTE))
    assert message.tls
    assert session.said("C")[-1] == "QUIT"


def test_another_sender_and_a_refused_recipient(runtime, tmp_path):
    with serve(tenant(), **says(("rcpt", 2), Reply("550 5.1.10 RESOLVER.ADR.RecipientNotFound"))) as service:
        printed = run_program(runtime, tmp_path, "umail_mail_from.py", service.submission.port)
        (message,) = service.messages
    refused, sent = printed.splitlines()
    assert refused == "nobody@contoso.test refused, ['5.1.10 RESOLVER.ADR.RecipientNotFound']"
    assert sent.startswith("(250, '2.0.0 OK ")
    assert (message.mail_from, message.recipients) == (
        "alerts@contoso.test",
        ["a@contoso.test", "b@contoso.test"],
    )


def test_an_attachment_in_pieces_over_implicit_tls(runtime, tmp_path):
    readings = bytes(range(256)) * 40
    with implicit_tls(process_authority()) as server:
        printed = run_program(
            runtime, tmp_path, "umail_attachment.py", server.port, {"readings.bin": readings}
        )
        (message,) = server.messages
    assert printed.splitlines() == ["(235, ['2.7.0 welcome'])", "(250, '2.0.0 taken')"]
    mail = email.message_from_bytes(message, policy=email.policy.default)
    text, attachment = mail.iter_parts()
    assert text.get_content() == ".All readings of today."
    assert attachment.get_content() == readings
    assert b"\n" not in message.replace(b"\r\n", b"")


def test_it_needs_these_modules_and_no_other(micropython, tmp_path):
    """What a board gets that has umail alone."""
    package = json.loads((FIRMWARE / "umail.json").read_text(encoding="utf-8"))
    assert package["urls"] == [[name, name] for name in sorted(f"{one}.py" for one in MODULES + FOR_FAULTS)]
    for target, source in package["urls"]:
        path = tmp_path / "lib" / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((FIRMWARE / source).read_bytes())
    (tmp_path / "ca.pem").write_bytes(process_authority().root_pem.encode())
    with serve(tenant()) as service:
        program = (HERE / "umail_basic.py").read_text(encoding="utf-8")
        program = program.replace('"smtp.example.com", 587', f'"localhost", {service.submission.port}')
        program = f"import umail; umail.CA_FILE = 'ca.pem'\n{program}"
        program += "\nimport sys\nfor name in sorted(sys.modules): print(name)\n"
        program += "\numail.CA_FILE = 'none.pem'\n"
        program += f"try: umail.SMTP('localhost', {service.submission.port})\n"
        program += "except umail.Refused as error: print('refused:', error)\n"
        done = subprocess.run(
            [*micropython, "-c", program],
            env={"MICROPYPATH": f"{tmp_path / 'lib'}:.frozen"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(service.messages) == 1
    assert "refused: There is no CA certificate" in done.stdout
    loaded = {name.replace(".", "/") for name in done.stdout.split("\n") if name.startswith("mailmote")}
    assert {name.removesuffix("/__init__") for name in MODULES} == loaded | {"umail"}


# Calls


def call(name, *arguments, **keywords):
    return [name, arguments, keywords]


def connect(port, **keywords):
    return call("SMTP", "localhost", port, **keywords)


def login(port):
    return connect(port, username=MOTE, password=PASSWORD)


SEND = (call("to", FACILITIES, MOTE), call("send", MAIL))


def job(*calls, ca="ca.pem", **more):
    """`more`: attributes of umail, and what else umail_play.py knows."""
    of_the_job = {name: more.pop(name) for name in ("now_s", "largest_block") if name in more}
    return {"calls": calls, "set": {"CA_FILE": ca, "DEFAULT_TIMEOUT": 30} | more} | of_the_job


def play(runtime, folder, *jobs, files=()):
    """The outcomes of each job: a list for each, one entry for each call."""
    files = {
        "ca.pem": process_authority().root_pem,
        "jobs": "".join(json.dumps(job, ensure_ascii=False) + "\n" for job in jobs),
        **dict(files),
    }
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    command = [sys.executable] if runtime == "cpython" else [*interpreter.find(), "-X", "heapsize=256K"]
    done = subprocess.run(
        [*command, str(HERE / "umail_play.py"), str(FIRMWARE), "jobs"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    printed = done.stdout + done.stderr
    outcomes = [json.loads(line[1:]) for line in done.stdout.split("\n") if line.startswith("\x1e")]
    assert len(outcomes) == len(jobs), printed
    for secret in (PASSWORD, base64.b64encode(PASSWORD.encode()).decode().rstrip("=")):
        assert secret not in printed
    return outcomes


def returned(outcomes):
    """What the calls returned, if none raised."""
    assert all("returned" in outcome for outcome in outcomes), outcomes
    return [outcome["returned"] for outcome in outcomes]


class Row(NamedTuple):
    """A hostile server, as settings of `serve`, and what the program gets: class and key, or keys."""

    server: dict
    outcome: tuple[str, ...]
    never_said: tuple[str, ...] = ("AUTH", "MAIL")
    job: dict = {}
    connect: dict = {"username": MOTE, "password": PASSWORD}


def says(stage, *actions):
    """Settings of `serve`: at a stage, or (stage, nth), something else is said or done."""
    at = Stage(stage) if isinstance(stage, str) else Stage(*stage)
    return {"faults": [Fault(at, *actions)]}


REFUSED, BROKEN = "Refused", "Broken"
NOT_EVEN_STARTTLS = ("STARTTLS", "AUTH", "MAIL")
ONLY_AUTH = ("MAIL",)
NOTHING: tuple[str, ...] = ()
CLOSED = "error"  # what any call gets after that, without a look at the network
CUT = ("connection-reset", "connection-closed")  # OpenSSL takes a reset for an end
DRIP_S = 0.02
HOSTILE = {
    "STARTTLS stripped": Row({"hide": ("STARTTLS",)}, (REFUSED, "auth-needs-tls")),
    "STARTTLS refused": Row(says("starttls", Reply("454 4.7.0 not now")), (REFUSED, "starttls-unavailable")),
    "injection after the 220": Row(
        says("starttls", Reply(b"220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n")), (BROKEN, "starttls-injection")
    ),
    "another CA of the same name": Row({"authority": Authority()}, (REFUSED, "certificate-untrusted")),
    "another host": Row({}, (REFUSED, "certificate-wrong-host"), connect={"host": "::ffff:127.0.0.1"}),
    "clock unset": Row({}, (BROKEN, "clock-not-set"), NOT_EVEN_STARTTLS, {"now_s": 0}),
    "no CA file": Row({}, (REFUSED, "no-ca"), NOT_EVEN_STARTTLS, {"ca": "none.pem"}),
    "a CA file that is none": Row({}, (REFUSED, "ca-unusable"), NOT_EVEN_STARTTLS, {"ca": "jobs"}),
    "no room for a handshake": Row({}, (BROKEN, "tls-no-room"), job={"largest_block": 16000}),
    "plain port, ssl=True": Row({}, (BROKEN, "tls-failed"), connect={"ssl": True}),
    "a line without end": Row(
        says("greeting", Reply(b"220 " + b"x" * 20_000_000)), (BROKEN, "reply-too-long")
    ),
    "250- without end": Row(says("ehlo", Reply(b"250-more\r\n" * 100_000)), (BROKEN, "reply-too-long")),
    "a challenge of 5 MB": Row(
        says("challenge", Reply(b"334 " + b"QUFB" * 1_250_000)), (BROKEN, "reply-too-long"), ONLY_AUTH
    ),
    "slow drip": Row({"drip_s": DRIP_S}, (BROKEN, "timeout"), job={"DEFAULT_TIMEOUT": 0.5}),
    "silent": Row(says("greeting", Delay(60)), (BROKEN, "timeout"), job={"DEFAULT_TIMEOUT": 0.5}),
    "silent in the handshake": Row(
        says("handshake", Delay(60)), (BROKEN, "timeout"), job={"DEFAULT_TIMEOUT": 0.5}
    ),
    "silent at the end of the message": Row(
        says("content", Delay(60)), (BROKEN, "timeout"), NOTHING, {"DEFAULT_TIMEOUT": 2}
    ),
    "no reply at all": Row(says("greeting", Reply(b"abc\r\n")), (BROKEN, "malformed-reply")),
    "two codes in one reply": Row(
        says("ehlo", Reply(b"250-hello\r\n550 AUTH PLAIN\r\n")), (BROKEN, "malformed-reply")
    ),
    "554 banner": Row(says("greeting", Reply("554 5.7.1 go away")), (REFUSED, "greeting-refused")),
    "421 banner": Row(says("greeting", Reply("421 4.3.2 busy")), (BROKEN, "service-closing")),
    "421 to MAIL": Row(says("mail", Reply("421 4.3.2 busy"), FIN), (BROKEN, "service-closing"), NOTHING),
    "a reply before its command": Row(
        says("greeting", Reply(b"220 hello\r\n250 AUTH LOGIN\r\n")), (BROKEN, "early-reply")
    ),
    "success before the message": Row(
        says("data", Reply(b"354 go on\r\n250 2.0.0 OK\r\n")), (BROKEN, "early-reply"), NOTHING
    ),
    "a password said back": Row(
        says("auth", Reply(f"535 5.7.8 no such password: {PASSWORD}")),
        (REFUSED, "sign-in-refused"),
        ONLY_AUTH,
    ),
    "cut in a reply": Row(says("ehlo", Reply(b"250-SIZE\r\n250 AU"), FIN), (BROKEN, "connection-closed")),
    "reset at AUTH": Row(says("auth", RST), (BROKEN, *CUT), ONLY_AUTH),
    "a truncated 250": Row(
        says("content", Reply(b"250 2.0.0 OK"), FIN), (BROKEN, "connection-closed"), NOTHING
    ),
    "reset at the end of the message": Row(says("content", RST), (BROKEN, *CUT), NOTHING),
}


@pytest.fixture(scope="module", params=RUNTIMES)
def hostile(request, tmp_path_factory):
    """By name of the row: the outcomes, and what the client said."""
    jobs, services = [], []
    with ExitStack() as stack:
        for row in HOSTILE.values():
            service = stack.enter_context(serve(tenant(), **row.server))
            keywords = {"host": "localhost", "port": service.submission.port} | row.connect
            jobs.append(job(call("SMTP", **keywords), *SEND, SEND[0], **row.job))
            services.append(service)
        outcomes = play(request.param, tmp_path_factory.mktemp("hostile"), *jobs)
        said = [[line for session in service.sessions for line in session.said("C")] for service in services]
    return dict(zip(HOSTILE, zip(outcomes, said, strict=True), strict=True))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_server_gets_nothing_and_the_program_gets_the_reason(hostile, name):
    row = HOSTILE[name]
    outcomes, said = hostile[name]
    error = next(outcome for outcome in outcomes if "class" in outcome)
    assert error["class"] == row.outcome[0]
    assert error["key"] in row.outcome[1:]
    assert (error["assertion"], error["os"]) == (row.outcome[0] == REFUSED, row.outcome[0] == BROKEN)
    if row.outcome[0] == BROKEN:
        rest = outcomes[outcomes.index(error) + 1 :]
        assert [outcome["key"] for outcome in rest] == [CLOSED] * len(rest)
    cause, _ = explanations.explain(error["key"])
    assert cause.partition("%")[0] in error["text"]
    assert not any(word in error["text"] for word in ("mote.toml", "is tried again", "rovision"))
    for command in row.never_said:
        assert not any(line.startswith(command) for line in said)


CONTENTS = {
    "a line": "one\r\n",
    "no line end": "one",
    "nothing": "",
    "dots": ".\r\n..\r\n.hidden\r\n...\r\n",
    "a bare CR, a bare LF": "one\rtwo\nthree\n\rfour\r\r\nfive\n",
    "a smuggled command": "hi\r\n.\r\nMAIL FROM:<x@y.test>\r\nRCPT TO:<z@y.test>\r\nDATA\r\n",
    "bare ends around a dot": "hi\n.\nMAIL FROM:<x@y.test>\r\n.\rRSET\n.\r\n",
    "8 bits": "Subject: −18,5 °C\r\n\r\n🧊\r\n",
    "more than a buffer": ("0123456789" * 7 + "\r\n.") * 100,
    "a line of 5,000 characters": "x" * 5000 + "\r\n",
}


def canonical(text):
    """What must arrive: each line end CRLF, and one at the end."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    if lines and not lines.endswith("\n"):
        lines += "\n"
    return lines.replace("\n", "\r\n").encode()


def cuts(text):
    """How long the pieces are in which a text is written."""
    return (1, 2, 3, len(text) or 1) if len(text) < 100 else (1000, len(text))


def test_what_arrives_is_what_was_written_however_it_is_cut(runtime, tmp_path):
    with serve(tenant(messages_per_minute=1000)) as service:
        jobs = []
        for text in CONTENTS.values():
            calls = [login(service.submission.port)]
            for step in cuts(text):
                calls.append(call("to", FACILITIES))
                calls += [call("write", text[start : start + step]) for start in range(0, len(text), step)]
                calls.append(call("send"))
            jobs.append(job(*calls, call("quit")))
        for outcomes in play(runtime, tmp_path, *jobs):
            assert outcomes[-1] == {"returned": None}
            assert all("returned" in outcome for outcome in outcomes)
        received = [message.data for message in service.messages]
    assert received == [canonical(text) for text in CONTENTS.values() for _ in cuts(text)]


def test_nothing_is_lost_where_the_server_reads_more_slowly_than_the_program_writes(runtime, tmp_path):
    piece, times = "0123456789 23456789 456789 6789 89\r\n" * 100, 1600
    calls = [call("to", FACILITIES, MOTE), call("write", piece, times=times), call("send")]
    with Server(hesitates_s=0.5) as server:
        (outcomes,) = play(runtime, tmp_path, job(connect(server.port), *calls))
        returned(outcomes)
        assert server.messages == [piece.encode() * times]


def test_an_address_cannot_hold_a_command(runtime, tmp_path):
    bad = (
        "a@contoso.test>\r\nRCPT TO:<evil@contoso.test",
        "a@contoso.test\n",
        "a@contoso.test\r",
        "a\0@contoso.test",
        "a@contoso.test> SIZE=1",
        "<a@contoso.test>",
        "ä@contoso.test",
    )
    with serve(tenant()) as service:
        refused = [call("to", [FACILITIES, address]) for address in bad]
        refused += [call("to", FACILITIES, address) for address in bad]
        (outcomes,) = play(runtime, tmp_path, job(login(service.submission.port), *refused, *SEND))
        assert [outcome.get("key") for outcome in outcomes] == [
            None,
            *["control-character"] * len(refused),
            None,
            None,
        ]
        assert all(outcome["assertion"] for outcome in outcomes[1:-2])
        said = service.sessions[0].said("C")
        assert [line for line in said if line.startswith(("MAIL", "RCPT"))] == [
            f"MAIL FROM:<{MOTE}> BODY=8BITMIME",
            f"RCPT TO:<{FACILITIES}>",
        ]


def test_the_name_in_ehlo_cannot_hold_one_either(runtime, tmp_path):
    with serve(tenant()) as service:
        ((outcome,),) = play(
            runtime,
            tmp_path,
            job(connect(service.mx.port), LOCAL_DOMAIN="x\r\nMAIL FROM:<a@contoso.test>"),
        )
        assert (outcome["class"], outcome["key"]) == (REFUSED, "control-character")
        assert service.wait_for_endings(1)[0].said("C") == []


def test_when_all_recipients_are_refused_the_next_message_goes(runtime, tmp_path):
    with serve(tenant()) as service:
        calls = [
            connect(service.mx.port),
            call("to", ["nobody@contoso.test", "none@contoso.test"], MOTE),
            call("to", ["none@contoso.test", FACILITIES], MOTE),
            call("send", MAIL),
        ]
        (outcomes,) = play(runtime, tmp_path, job(*calls))
        assert (outcomes[1]["class"], outcomes[1]["key"]) == (REFUSED, "unknown-recipient")
        assert outcomes[2]["returned"][0] == 354
        assert [message.recipients for message in service.messages] == [[FACILITIES]]


@pytest.mark.parametrize("stage", ["mail", "data"])
def test_a_refusal_before_the_message_is_raised_and_the_next_message_goes(runtime, tmp_path, stage):
    with serve(tenant(), **says((stage, 1), Reply("451 4.3.0 Not now"))) as service:
        calls = [connect(service.mx.port), call("to", FACILITIES, MOTE), call("write", "x"), *SEND]
        (outcomes,) = play(runtime, tmp_path, job(*calls))
        assert (outcomes[1]["class"], outcomes[1]["key"]) == (REFUSED, "deferred")
        assert outcomes[2]["class"] == REFUSED
        assert outcomes[4]["returned"][0] == 250
        assert [message.data for message in service.messages] == [MAIL.encode()]


def test_the_final_reply_is_returned_whatever_it_is(runtime, tmp_path):
    several = b"250-2.6.0 taken\r\n250-2.6.0 for now\r\n250 2.6.0 at least\r\n"
    full = Reply("552 5.2.2 Storage full")
    with (
        serve(tenant(), **says(("content", 1), Reply(several))) as long,
        serve(tenant(), **says(("content", 1), full)) as refusing,
        serve(tenant(), **says(("content", 1), Reply("421 4.3.2 shutting down"))) as closing,
    ):
        jobs = [
            job(login(each.submission.port), *SEND, *SEND, call("quit")) for each in (long, refusing, closing)
        ]
        told_long, told_refusing, told_closing = play(runtime, tmp_path, *jobs)
        assert told_long[2]["returned"] == [250, "2.6.0 taken for now at least"]
        assert told_long[4]["returned"][0] == 250
        assert told_refusing[2]["returned"] == [552, "5.2.2 Storage full"]
        assert told_refusing[4]["returned"][0] == 250
        assert told_closing[2]["returned"] == [421, "4.3.2 shutting down"]
        assert told_closing[3]["class"] == BROKEN
        assert [len(each.messages) for each in (refusing, closing)] == [1, 0]


def test_calls_in_the_wrong_order_are_told_and_do_no_harm(runtime, tmp_path):
    with serve(tenant()) as service:
        calls = [
            connect(service.mx.port),
            call("write", "HELO x\r\n"),
            call("send", "DATA\r\n"),
            call("to", FACILITIES),
            call("to", [], MOTE),
            call("login", MOTE),
            call("to", FACILITIES, MOTE),
            call("to", FACILITIES, MOTE),
            call("login", MOTE, PASSWORD),
            call("send", MAIL),
            call("quit"),
            call("quit"),
            call("to", FACILITIES, MOTE),
            call("write", "x"),
        ]
        (outcomes,) = play(runtime, tmp_path, job(*calls))
        assert [outcome.get("class") for outcome in outcomes] == [
            None,
            *[REFUSED] * 5,
            None,
            REFUSED,
            REFUSED,
            *[None] * 3,
            BROKEN,
            BROKEN,
        ]
        assert [message.data for message in service.messages] == [MAIL.encode()]


def test_a_message_that_was_not_ended_is_not_sent(runtime, tmp_path):
    calls = [call("to", FACILITIES, MOTE), call("write", MAIL * 20), call("quit")]
    with serve(tenant()) as service, Server() as server:
        for port in (service.mx.port, server.port):
            returned(play(runtime, tmp_path, job(connect(port), *calls))[0])
        service.wait_for_endings(1)
        assert service.messages == []
    assert server.messages
    assert b"QUIT" not in server.messages[0]
    assert b"\n.\r\n" not in server.messages[0]


def test_without_a_login_tls_is_used_where_it_is_offered(runtime, tmp_path):
    with (
        serve(tenant()) as offered,
        serve(tenant(), lower_case=True) as in_lower_case,
        serve(tenant(), hide=("STARTTLS",)) as not_offered,
    ):
        services = (offered, in_lower_case, not_offered)
        for outcomes in play(runtime, tmp_path, *[job(connect(each.mx.port), *SEND) for each in services]):
            returned(outcomes)
        assert [bool(each.messages[0].tls) for each in services] == [True, True, False]


def test_8bitmime_is_declared_where_it_is_offered(runtime, tmp_path):
    with serve(tenant()) as able, serve(tenant(), hide=("8BITMIME",)) as unable:
        jobs = [job(connect(each.mx.port), *SEND) for each in (able, unable)]
        for outcomes in play(runtime, tmp_path, *jobs):
            returned(outcomes)
        assert able.messages[0].parameters == {"BODY": "8BITMIME"}
        assert unable.messages[0].parameters == {}


def test_the_empty_sender_is_a_sender(runtime, tmp_path):
    with Server(replies={"EHLO": b"250 hello\r\n"}) as server:
        (outcomes,) = play(runtime, tmp_path, job(connect(server.port), call("to", FACILITIES, "")))
        returned(outcomes)
        assert server.said[1] == b"MAIL FROM:<>\r\n"


def test_only_235_is_a_login(runtime, tmp_path):
    context = process_authority().server_context(["localhost"])
    with Server(context, {"AUTH": b"250 2.0.0 fine\r\n"}) as server:
        (outcomes,) = play(
            runtime, tmp_path, job(connect(server.port, ssl=True), call("login", MOTE, PASSWORD))
        )
        assert (outcomes[1]["class"], outcomes[1]["key"]) == (REFUSED, "unexpected-reply")


def test_login_again_after_a_refusal(runtime, tmp_path):
    with serve(tenant()) as service:
        calls = [
            connect(service.submission.port),
            call("login", MOTE, "canary-wrong"),
            call("login", MOTE, PASSWORD),
            call("login", MOTE, PASSWORD),
            call("to", FACILITIES),
        ]
        (outcomes,) = play(runtime, tmp_path, job(*calls))
        assert (outcomes[1]["class"], outcomes[1]["key"]) == (REFUSED, "wrong-password")
        assert outcomes[2]["returned"][0] == 235
        assert outcomes[3]["returned"][0] == 503
        assert outcomes[4]["returned"] == [354, ["Start mail input; end with <CRLF>.<CRLF>"]]


def test_plain_is_said_in_one_line_and_no_challenge_is_answered_for_ever(runtime, tmp_path):
    context = process_authority().server_context(["localhost"])
    with Server(context) as server, Server(context, {"AUTH": b"334 \r\n", "OTHER": b"334 \r\n"}) as asking:
        calls = [call("login", MOTE, PASSWORD)]
        welcomed, asked = play(
            runtime, tmp_path, *[job(connect(each.port, ssl=True), *calls) for each in (server, asking)]
        )
        assert welcomed[1]["returned"] == [235, ["2.7.0 welcome"]]
        shown = base64.b64encode(f"\0{MOTE}\0{PASSWORD}".encode())
        assert server.said[1:] == [b"AUTH PLAIN " + shown + b"\r\n"]
        assert (asked[1]["class"], asked[1]["key"]) == (BROKEN, "malformed-reply")
        assert len(asking.said) < 10


def test_a_token_signs_in(runtime, tmp_path):
    application = Application("8f3e0b8c-0000-4000-8000-000000000001")
    allowed = tenant(applications=[application])
    token = allowed.issue(MOTE, application).access
    with serve(allowed) as service:
        calls = [connect(service.submission.port), call("login", MOTE, token=token), *SEND]
        refused = [connect(service.submission.port), call("login", MOTE, token=token[:-9] + "forgeries")]
        told, told_refused = play(runtime, tmp_path, job(*calls), job(*refused))
        returned(told)
        assert service.messages[0].auth == ("XOAUTH2", MOTE)
        assert (told_refused[1]["class"], told_refused[1]["key"]) == (REFUSED, "bad-token")
        assert token[100:200] not in json.dumps([told, told_refused])


def test_a_token_refused_with_a_challenge(runtime, tmp_path):
    token = "canary-token." * 300
    error = base64.b64encode(b'{"status":"400","schemes":"Bearer"}')
    replies = {"AUTH": b"334 " + error + b"\r\n", "": b"535 5.7.3 Authentication unsuccessful\r\n"}
    with Server(process_authority().server_context(["localhost"]), replies) as server:
        calls = [connect(server.port, ssl=True), call("login", MOTE, token=token)]
        (outcomes,) = play(runtime, tmp_path, job(*calls))
        assert (outcomes[1]["class"], outcomes[1]["key"]) == (REFUSED, "bad-token")
        shown = base64.b64encode(f"user={MOTE}\x01auth=Bearer {token}\x01\x01".encode())
        assert server.said[1:] == [b"AUTH XOAUTH2 " + shown + b"\r\n", b"\r\n"]


def test_a_server_that_knows_no_tokens_gets_none(runtime, tmp_path):
    context = process_authority().server_context(["localhost"])
    with Server(context, {"EHLO": b"250-hello\r\n250 AUTH LOGIN\r\n"}) as server:
        calls = [connect(server.port, ssl=True), call("login", MOTE, token="canary-token" * 9)]
        (outcomes,) = play(runtime, tmp_path, job(*calls))
        assert (outcomes[1]["class"], outcomes[1]["key"]) == (REFUSED, "no-oauth")
        assert len(server.said) == 1


def test_no_text_holds_the_password_that_a_server_says_back(runtime, tmp_path):
    shown = base64.b64encode(PASSWORD.encode()).decode()
    faults = [
        Fault(Stage("auth"), Reply(f"235 2.7.0 welcome, {PASSWORD}")),
        Fault(Stage("mail"), Reply(f"250 2.1.0 {shown} may send")),
        Fault(Stage("rcpt", 1), Reply(f"550 5.1.1 not with {PASSWORD}")),
        Fault(Stage("content"), Reply(f"250 2.0.0 taken from {PASSWORD}")),
    ]
    with serve(tenant(), faults=faults) as service:
        calls = [
            connect(service.submission.port),
            call("login", MOTE, PASSWORD),
            call("to", ["nobody@contoso.test", FACILITIES]),
            call("send", MAIL),
        ]
        (outcomes,) = play(runtime, tmp_path, job(*calls))
        assert returned(outcomes)[1] == [235, ["2.7.0 welcome, ***"]]
        assert returned(outcomes)[3] == [250, "2.0.0 taken from ***"]


def test_a_handshake_that_drips_and_a_server_that_waits_for_one_end_at_the_deadline(runtime, tmp_path):
    with DrippingHandshake() as dripping, implicit_tls(process_authority()) as waiting:
        jobs = [
            job(connect(dripping.port, ssl=True), DEFAULT_TIMEOUT=0.5),
            job(connect(waiting.port), DEFAULT_TIMEOUT=0.5),
        ]
        for outcomes in play(runtime, tmp_path, *jobs):
            assert (outcomes[0]["class"], outcomes[0]["key"]) == (BROKEN, "timeout")


def test_nobody_there_is_told_with_the_fix(runtime, tmp_path):
    with serve(tenant()) as service:
        port = service.mx.port
    ((refused,), (unknown,)) = play(
        runtime, tmp_path, job(connect(port)), job(call("SMTP", "no.such.host.invalid", 25))
    )
    assert (refused["class"], refused["key"]) == (BROKEN, "connection-refused")
    assert refused["text"].endswith("refused the connection. Check host and port.")
    assert (unknown["class"], unknown["key"]) == (BROKEN, "unreachable")


def test_a_connect_that_is_not_answered_ends_at_the_deadline(runtime, tmp_path):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as stack:
        address = full.getsockname()
        for _ in range(4):  # of these, the kernel answers one or two
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        ((outcome,),) = play(runtime, tmp_path, job(call("SMTP", *address), DEFAULT_TIMEOUT=0.5))
        assert (outcome["class"], outcome["key"]) == (BROKEN, "no-answer")


def test_each_certificate_of_a_bundle_counts(runtime, tmp_path):
    first, second, third = Authority().root_pem, process_authority().root_pem, Authority().root_pem
    around = f"# the roots\r\n{first}\n\n subject=/CN=x\n{second.replace(chr(10), chr(13) + chr(10))}{third}"
    damaged = second.replace("-----END", "----END")
    with serve(tenant()) as service:
        names = {"several.pem": around, "damaged.pem": damaged, "both.pem": second + damaged}
        jobs = [job(connect(service.mx.port), *SEND, ca=name) for name in names]
        several, *others = play(runtime, tmp_path, *jobs, files=names)
        returned(several)
        assert service.messages[0].tls
        for outcomes in others:
            assert (outcomes[0]["class"], outcomes[0]["key"]) == (REFUSED, "ca-unusable")
            assert "a certificate in it has no end" in outcomes[0]["text"]
