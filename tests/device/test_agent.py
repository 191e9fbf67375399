"""The whole firmware, main.py on, on both runtimes: readings in, mail out."""

import email
import email.policy
import tomllib

import pytest
from sessions import RUNTIMES

from mailmote import civil
from mailmote.policy.settings import validate
from mailmote.store import record
from mailmote_host.check import drivers
from mailmote_host.tenant.ca import process_authority
from mailmote_host.tenant.faults import Fault, Reply, Stage
from mailmote_host.tenant.model import Connector, Mailbox, Tenant
from mailmote_host.tenant.service import serve
from mailmote_host.virtual.board import VirtualBoard

PASSWORD = "canary-password"
HERE = "facilities@contoso.test"
OUTSIDE = "oncall@fabrikam.test"
TIMEOUT_S = 60

# Too cold from 00:10 on, told at 00:25; well again at 00:40.
RECORDING = b"""timestamp,value
2026-01-05 00:00:00,70.0
2026-01-05 00:05:00,60.5
2026-01-05 00:10:00,44.0
2026-01-05 00:15:00,43.0
2026-01-05 00:20:00,41.5
2026-01-05 00:25:00,42.0
2026-01-05 00:30:00,47.0
2026-01-05 00:40:00,51.25
"""

SETTINGS = """
[device]
name = "freezer-3"
utc_offset = "+01:00"

[wifi]
ssid = "Plant IoT"

[mail]
option = "{option}"
from = "mote@contoso.test"
to = {to}
port = {port}
connect_to = "127.0.0.1"
{more}

[[sensor]]
name = "Cold room"
driver = "replay"
unit = "°F"
every = "5min"
path = "recording.csv"
stop_at_end = true
utc_offset_s = 3600

[[alarm]]
name = "Too cold"
sensor = "Cold room"
below = 45
for = "15min"
clear = 50
"""


@pytest.fixture(params=RUNTIMES)
def runtime(request):
    return request.param


def tenant(*connectors):
    return Tenant(
        accepted_domains=("contoso.test",),
        mailboxes=[Mailbox("mote@contoso.test", PASSWORD)],
        contacts={HERE, "other@contoso.test"},
        connectors=list(connectors),
    )


def settings(service, option="direct-send", to=(HERE,), more='tls = "none"', extra=""):
    """The settings, checked as a mote.toml is. `extra` follows the alarm."""
    port = (service.submission if option == "client-submission" else service.mx).port
    text = SETTINGS.format(option=option, to=list(to), port=port, more=more).replace("'", '"') + extra
    checked, problems = validate(tomllib.loads(text), drivers())
    assert checked, [problem.text for problem in problems]
    return checked


def board_of(folder, service, runtime, wanted, files=None):
    secrets = {"mail.password": PASSWORD.encode(), "wifi.password": b"canary-wifi"}
    content = {"recording.csv": RECORDING, "ca/0.der": service.ca_der} | (files or {})
    return VirtualBoard(folder, wanted, secrets, content, runtime=runtime)


def mails(service):
    return [email.message_from_bytes(one.data, policy=email.policy.default) for one in service.messages]


def run_until(board, words):
    """Read the console until a line has `words`, then press Ctrl-C; the whole console."""
    for line in board.lines(TIMEOUT_S):
        if words in line:
            break
    board.stop()
    assert words in board.console, board.console
    return board.console


OPTIONS = {
    "client-submission": ((HERE,), 'username = "mote@contoso.test"\nauth = "password"', ()),
    "direct-send": ((HERE,), 'tls = "none"', ()),
    "smtp-relay": ((OUTSIDE,), 'tls = "none"', (Connector(networks=("127.0.0.1/32",)),)),
}


@pytest.mark.parametrize("option", OPTIONS)
def test_readings_become_mail_through_each_option(tmp_path, runtime, option):
    to, more, connectors = OPTIONS[option]
    with serve(tenant(*connectors)) as service:
        with board_of(tmp_path, service, runtime, settings(service, option, to, more)) as board:
            board.start()
            code = board.wait(TIMEOUT_S)
            assert code == 0, board.console
            assert board.list_files("outbox") == []
        alarm, recovery = mails(service)
        assert [one.recipients for one in service.messages] == [list(to)] * 2
        assert {one.tls is not None for one in service.messages} == {option == "client-submission"}
    assert alarm["Subject"] == "freezer-3: Too cold 42 °F"
    assert recovery["Subject"] == "freezer-3: OK again, 51.25 °F (Too cold)"
    assert str(alarm["Date"].datetime) == "2026-01-05 00:25:00+01:00"
    assert str(recovery["Date"].datetime) == "2026-01-05 00:40:00+01:00"
    body = alarm.get_content()
    for words in ("Since: 2026-01-05 00:10", "Worst: 41.5 °F", "below 45 °F for 15 min", "00:20  41.5 °F"):
        assert words in body
    assert not alarm.defects + recovery.defects
    assert "canary" not in board.console


@pytest.mark.parametrize("names", [("mote.contoso.test",), ("mote.fabrikam.test",)], ids=["ours", "theirs"])
def test_the_relay_knows_a_board_by_the_name_in_its_certificate(tmp_path, runtime, names):
    shown = process_authority().identity(names)
    secrets = {"relay.cert": shown.chain_pem, "relay.key": shown.key_pem, "wifi.password": b"canary-wifi"}
    with serve(tenant(Connector(certificate_name=names[0]))) as service:
        wanted = settings(service, "smtp-relay", (OUTSIDE,), 'auth = "certificate"')
        content = {"recording.csv": RECORDING, "ca/0.der": service.ca_der}
        with VirtualBoard(tmp_path, wanted, secrets, content, runtime=runtime) as board:
            board.start()
            if names[0].endswith("contoso.test"):
                assert board.wait(TIMEOUT_S) == 0, board.console
                assert [one.recipients for one in service.messages] == [[OUTSIDE]] * 2
                assert all(one.tls for one in service.messages)
            else:
                assert "5.7.64" in run_until(board, "alerts wait")
                assert service.messages == []
                assert board.list_files("outbox")
            assert "PRIVATE KEY" not in board.console


def test_a_wrong_password_keeps_the_alerts_and_says_what_to_do(tmp_path, runtime):
    to, more, _ = OPTIONS["client-submission"]
    wrong = tenant()
    wrong.mailboxes[0].password = "another"
    with serve(wrong) as service:
        with board_of(tmp_path, service, runtime, settings(service, "client-submission", to, more)) as board:
            board.start()
            console = run_until(board, "alerts wait")
            assert "the user credentials were incorrect" in console
            assert "Next try in" in console
            assert "canary" not in console
            waiting = board.list_files("outbox")
            assert len(waiting) in (1, 2)
            wrong.mailboxes[0].password = PASSWORD
            board.start()
            assert board.wait(TIMEOUT_S) == 0, board.console
        assert {mail["Subject"] for mail in mails(service)} >= {"freezer-3: Too cold 42 °F"}


def test_alerts_outlive_a_restart_and_stay_the_same_mail(tmp_path, runtime):
    down = [Fault(Stage("greeting"), Reply("421 4.3.2 Shutting down"), times=1)]
    with serve(tenant(), faults=down) as service:
        wanted = settings(service)
        with board_of(tmp_path, service, runtime, wanted) as board:
            board.start()
            run_until(board, "alerts wait")
            kept = [record.decode(board.read_file(f"outbox/{name}")) for name in board.list_files("outbox")]
            assert kept
            assert service.messages == []
            board.start()
            assert board.wait(TIMEOUT_S) == 0, board.console
            assert board.list_files("outbox") == []
        received = {mail["Message-ID"]: mail["Date"].datetime.timestamp() for mail in mails(service)}
        assert len(received) == len(service.messages)
        oldest = kept[0]  # which may have been on its way: the others may go together
        message_id = f"<{oldest.event.at_s:08x}.{oldest.identity:08x}@contoso.test>"
        assert received[message_id] == oldest.event.at_s
        everything = "".join(mail.get_content() for mail in mails(service))
        for one in kept:
            assert civil.stamp(one.event.at_s, 3600) in everything


def test_a_driver_that_raises_anything_is_a_failed_reading(tmp_path, runtime):
    bad = b"OPTIONS = {}\nclass Driver:\n    paced = True\n    def __init__(self, options, board): pass\n"
    bad += b"    def read(self, now_s): return [][1]\n"
    with serve(tenant()) as service:
        wanted = settings(service)
        wanted["sensors"].insert(0, {"name": "Bad", "driver": "bad", "every_s": 1, "options": {}})
        with board_of(tmp_path, service, runtime, wanted, {"lib/mailmote/sensors/bad.py": bad}) as board:
            board.start()
            service.wait_for(2, TIMEOUT_S)
            board.stop()
        assert "The sensor Bad fails: IndexError" in board.console
        assert "The task" not in board.console


def test_a_refused_recipient_is_told_in_the_next_mail_and_not_tried_again(tmp_path, runtime):
    with serve(tenant()) as service:
        wanted = settings(service, to=(HERE, "nobody@contoso.test", "other@contoso.test"))
        with board_of(tmp_path, service, runtime, wanted) as board:
            board.start()
            assert board.wait(TIMEOUT_S) == 0, board.console
            assert board.list_files("outbox") == []
            assert board.list_files("refused") == [
                "00000001",
                "00000001.txt",
                "00000002",
                "00000002.why",  # no mail since
            ]
            assert "nobody@contoso.test does not get alert 1. " in board.console
        assert [one.recipients for one in service.messages] == [[HERE, "other@contoso.test"]] * 2
        _, recovery = mails(service)
        assert "Please note:" in recovery.get_content()
        assert "nobody@contoso.test" in recovery.get_content()


def said(session, verb):
    return [line for direction, line in session.transcript if direction == "C" and line.startswith(verb)]


def test_a_busy_server_is_not_asked_for_every_alert_that_waits(tmp_path, runtime):
    with serve(tenant(), faults=[Fault(Stage("rcpt"), Reply("451 4.7.500 Server busy."))]) as service:
        with board_of(tmp_path, service, runtime, settings(service)) as board:
            for _ in range(2):
                board.start()
                run_until(board, "the recording is at its end")
            assert len(board.list_files("outbox")) == 4
        assert max(len(said(session, "MAIL")) for session in service.sessions) == 2


BROKEN_SENSORS = """
[[sensor]]
name = "Gone"
driver = "replay"
every = "5min"
path = "missing.csv"

[[sensor]]
name = "Odd"
driver = "replay"
every = "5min"
path = "odd.csv"
"""


def test_a_failing_sensor_stops_neither_the_others_nor_the_mail(tmp_path, runtime):
    odd = b"timestamp,value\nnot a line\n" + b"2026-01-05 00:00:00,1\n"
    with serve(tenant()) as service:
        wanted = settings(service, extra=BROKEN_SENSORS)
        with board_of(tmp_path, service, runtime, wanted, {"odd.csv": odd}) as board:
            board.start()
            service.wait_for(2, TIMEOUT_S)
            board.stop()
        assert "The sensor Gone fails: The recording missing.csv cannot be opened" in board.console
        assert "Line 2 of the recording odd.csv is skipped" in board.console


def test_ctrl_c_ends_it_in_order(tmp_path, runtime):
    with serve(tenant()) as service:
        live = settings(
            service, extra='[[sensor]]\nname = "Heap"\ndriver = "system"\nmetric = "uptime"\nevery = "1h"\n'
        )
        with board_of(tmp_path, service, runtime, live) as board:
            board.start()
            console = run_until(board, "Ready: mailmote")
            assert "Stopped by Ctrl-C" in board.console
            assert "Traceback" not in console


def test_a_board_without_settings_says_so(tmp_path, runtime):
    with serve(tenant()) as service:
        files = {"settings.json": b"[1, 2"}
        with board_of(tmp_path, service, runtime, settings(service), files) as board:
            board.start()
            board.wait(TIMEOUT_S)
            assert "settings.json" in board.console
            assert "Run `mailmote provision` again." in board.console
            assert "Traceback" not in board.console
