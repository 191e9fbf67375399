"""`mailmote doctor --from-board`: the steps as a virtual board finds them, with its own secrets."""

import json
import time

import pytest
from canary import Search

from mailmote_host import cli, settings_file
from mailmote_host.board import firmware, trust
from mailmote_host.check import drivers
from mailmote_host.tenant.model import Mailbox, Tenant
from mailmote_host.tenant.service import serve
from mailmote_host.virtual.serial_board import SerialBoard

PASSWORD = "Kanarie-Vogel+Gelb&7=Zang"
WIFI = "Vinkje*Slag%9-Groenling"
TOML = """\
[device]
name = "freezer-3"
[wifi]
ssid = "Plant"
[mail]
option = "{option}"
{auth}
from = "mote@contoso.com"
to = {to}
connect_to = "127.0.0.1"
port = {port}
ca = "ca.pem"
[[sensor]]
name = "s"
driver = "system"
metric = "uptime"
[[alarm]]
name = "a"
sensor = "s"
above = 1
"""


@pytest.fixture
def examine(tmp_path, capsys, record_property):
    """Examine a board that has been provisioned but for some of its files; returns the steps by name."""
    search = Search({"the password": PASSWORD.encode(), "the Wi-Fi password": WIFI.encode()})

    def examine(
        option, expect=0, without=(), secrets=None, to=("ops@contoso.com",), fallback=False, **switches
    ):
        tenant = Tenant(
            ("contoso.com",),
            [Mailbox("mote@contoso.com", PASSWORD)],
            contacts={"ops@contoso.com"},
            **switches,
        )
        with serve(tenant) as service:
            (tmp_path / "ca.pem").write_text(service.ca_pem)
            endpoint = service.submission if option == "client-submission" else service.mx
            auth = 'auth = "password"' if option == "client-submission" else ""
            toml = tmp_path / "mote.toml"
            toml.write_text(
                TOML.format(option=option, auth=auth, port=endpoint.port, to=json.dumps(list(to)))
            )
            if fallback:
                second = (
                    '[[mail]]\noption = "direct-send"\nfrom = "other@contoso.com"\n'
                    f'connect_to = "127.0.0.1"\nport = {service.mx.port}\n[[sensor]]'
                )
                text = toml.read_text().replace("[mail]", "[[mail]]").replace("[[sensor]]", second)
                toml.write_text(text)
            settings = settings_file.load(toml, drivers()).settings
            files = {**firmware.files(), **trust.files(tmp_path / "ca.pem"), "main.py": b""}
            files["settings.json"] = settings_file.compact(settings)
            files = {name: data for name, data in files.items() if not name.startswith(tuple(without) or "!")}
            kept = {"wifi.password": WIFI.encode(), "mail.password": PASSWORD.encode()}
            with SerialBoard(
                tmp_path / f"board-{time.monotonic_ns()}", files, kept if secrets is None else secrets
            ) as board:
                board.start()
                code = cli.main(["doctor", str(toml), "--from-board", "--port", board.port, "--json"])
        said = capsys.readouterr()
        search.look("what it prints", said.out + said.err)
        assert code == expect, said.out + said.err
        results = json.loads(said.out)
        return results if fallback else {result["step"]: result for result in results}

    yield examine
    search.assert_clean(1)
    record_property("canary", [search.places, search.octets, len(search.finds)])


def test_a_board_that_signs_in(examine):
    found = examine("client-submission")
    assert {result["ok"] for result in found.values()} == {"pass"}, found
    assert list(found) == [
        "settings", "wifi", "clock", "secrets", "host", "port", "greeting", "ehlo", "tls", "sign-in",
        "sender", "recipients",
    ]  # fmt: skip


def test_a_board_that_has_a_second_way_to_send(examine):
    found = examine("client-submission", expect=1, fallback=True, smtp_auth_disabled=True)
    told = [(result["step"], result["ok"]) for result in found]
    assert told == [
        ("settings", "pass"), ("wifi", "pass"), ("clock", "pass"), ("route", "pass"), ("secrets", "pass"),
        ("host", "pass"), ("port", "pass"), ("greeting", "pass"), ("ehlo", "pass"), ("tls", "pass"),
        ("sign-in", "fail"), ("route", "pass"), ("secrets", "pass"), ("host", "pass"), ("port", "pass"),
        ("greeting", "pass"), ("ehlo", "pass"), ("tls", "pass"), ("sender", "pass"), ("recipients", "pass"),
    ]  # fmt: skip
    ways = [result["found"] for result in found if result["step"] == "route"]
    assert ways == [
        "client-submission by smtp.office365.com.",
        "direct-send by contoso-com.mail.protection.outlook.com.",
    ]


def test_what_the_tenant_refuses_to_the_board(examine):
    found = examine("client-submission", expect=1, smtp_auth_disabled=True)
    assert (found["sign-in"]["ok"], found["sign-in"]["key"]) == ("fail", "smtp-auth-disabled-tenant")
    assert "-SmtpClientAuthenticationDisabled $false" in found["sign-in"]["fix"]
    found = examine("direct-send", expect=1, reject_direct_send=True)
    assert (found["recipients"]["ok"], found["recipients"]["key"]) == ("fail", "direct-send-rejected")


def test_a_certificate_that_the_board_does_not_know(examine):
    found = examine("direct-send", expect=1, without=["ca/site"])
    assert (found["tls"]["ok"], found["tls"]["key"]) == ("fail", "certificate-untrusted")
    assert found["tls"]["fix"]


@pytest.mark.parametrize(
    ("without", "step", "words"),
    [
        (["lib/"], "firmware", "no firmware of mailmote"),
        (["settings.json"], "settings", "no settings"),
    ],
)
def test_a_board_that_is_not_provisioned(examine, without, step, words):
    found = examine("direct-send", expect=1, without=without)
    assert found[step]["ok"] == "fail"
    assert words in found[step]["found"]
    assert "mailmote provision" in found[step]["fix"]


def test_a_secret_that_the_board_lacks(examine):
    found = examine("client-submission", expect=1, secrets={"wifi.password": WIFI.encode()})
    assert (found["secrets"]["ok"], found["secrets"]["key"]) == ("fail", "secret-missing")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--from-board", "--send-test-mail"], "--send-test-mail cannot be used with --from-board"),
        (
            ["--from-board", "--dns-server", "127.0.0.1", "--all-options"],
            "--all-options, --dns-server cannot be used",
        ),
        (["--port", "/dev/nowhere"], "--port is for --from-board"),
    ],
)
def test_options_that_do_not_fit_together(options, told, tmp_path, capsys):
    assert cli.main(["doctor", str(tmp_path / "mote.toml"), *options]) == 2
    assert told in capsys.readouterr().err


def test_a_port_that_is_not_there(tmp_path, capsys):
    toml = tmp_path / "mote.toml"
    toml.write_text(
        TOML.format(option="direct-send", auth="", port=25, to='["ops@contoso.com"]').replace(
            'ca = "ca.pem"\n', ""
        )
    )
    assert cli.main(["doctor", str(toml), "--from-board", "--port", str(tmp_path / "ttyUSB9")]) == 1
    assert "There is no port" in capsys.readouterr().err
