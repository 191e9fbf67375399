"""The whole way: a person signs in on the host, the token goes over the serial link, the board mails."""

import io
import json

from rich.console import Console
from test_agent import RECORDING, mails
from test_oauth import MAILBOX, tenant, wanted

from mailmote_host.board import firmware, link, secrets
from mailmote_host.sign_in import device_code
from mailmote_host.tenant.service import serve
from mailmote_host.virtual.serial_board import SerialBoard

TIMEOUT_S = 60


def test_a_device_code_sign_in_reaches_the_board_over_serial_and_becomes_mail(tmp_path):
    shown = io.StringIO()
    with serve(tenant(approves_as=MAILBOX)) as service:
        settings = wanted(service)
        (tmp_path / "ca.pem").write_text(service.ca_pem)
        oauth = settings["mail"]["oauth"]
        content = firmware.files() | {
            "settings.json": json.dumps(settings).encode(),
            "recording.csv": RECORDING,
            "ca/0.der": service.ca_der,
        }
        with SerialBoard(tmp_path / "board", content, {"wifi.password": b"canary-wifi"}) as board:
            board.start()
            token = device_code.sign_in(oauth, MAILBOX, Console(file=shown), bundle=tmp_path / "ca.pem")
            with link.open(board.port) as serial:
                secrets.put(serial, oauth["secret"], token)
                assert oauth["secret"] in secrets.names(serial)
            service.wait_for(2, TIMEOUT_S)
            said = board.said
        assert {one.auth for one in service.messages} == {("XOAUTH2", MAILBOX)}
        assert "freezer-3: Too cold 42 °F" in {mail["Subject"] for mail in mails(service)}
        assert [(one.grant, one.error) for one in service.sign_ins][-1] == ("refresh_token", None)
    for told in (said, shown.getvalue().encode()):
        assert token not in told
        assert b"canary" not in told
