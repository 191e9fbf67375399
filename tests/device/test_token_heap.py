"""A token renewal and a mail by XOAUTH2 fit the heap of a board."""

import json
import subprocess
from pathlib import Path

import pytest
from test_oauth import MAILBOX, tenant, wanted

from mailmote_host.tenant.directory import DELEGATED_SCOPE
from mailmote_host.tenant.service import serve

PROGRAM = Path(__file__).parent / "token_heap.py"
FIRMWARE = Path(__file__).parents[2] / "firmware"


# Bytes on the 64-bit port, where objects are twice as large as on an ESP32; strings are as large on both.
@pytest.mark.parametrize(("token_bytes", "renewal"), [(2048, 14000), (4096, 18000)])
def test_what_a_renewal_and_a_mail_hold_at_most(micropython, tmp_path, token_bytes, renewal, record_property):
    who = tenant(access_token_octets=token_bytes)
    with serve(who) as service:
        mail = wanted(service)["mail"]
        (tmp_path / "secrets").mkdir(mode=0o700)
        refresh = who.issue(MAILBOX, who.applications[0], DELEGATED_SCOPE).refresh
        (tmp_path / "secrets" / "oauth.refresh").write_text(refresh)
        (tmp_path / "ca").mkdir()
        (tmp_path / "ca" / "0.der").write_bytes(service.ca_der)
        (tmp_path / "job.json").write_text(json.dumps(mail))
        done = subprocess.run(
            [*micropython, "-X", "heapsize=1M", str(PROGRAM), str(FIRMWARE), str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    for name, figure in told.items():
        record_property(name, figure)
    print(told)
    assert told["delivered"]
    assert token_bytes <= told["token"] < token_bytes + 2000
    assert 0 < told["renewal"] < renewal
    assert 0 < told["send"] < 9000
