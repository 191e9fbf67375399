"""Runs device/client.py, the firmware's session, on either runtime."""

import json
import subprocess
import sys
from pathlib import Path

from mailmote_host.virtual import interpreter

HERE = Path(__file__).parent
FIRMWARE = HERE.parents[1] / "firmware"
RUNTIMES = ("cpython", "micropython")
TIMEOUT_S = 110


def run_jobs(runtime, folder, jobs, ca_der, heapsize="256K", program="client.py"):
    """The outcome of each job, of client.py: {"results": one list a message, "failure": None or what ended
    the session}.
    """
    (folder / "ca").mkdir(parents=True, exist_ok=True)
    (folder / "ca" / "0.der").write_bytes(ca_der)
    lines = [json.dumps(job, ensure_ascii=False) + "\n" for job in jobs]
    (folder / "jobs").write_text("".join(lines), encoding="utf-8")
    command = (
        [sys.executable] if runtime == "cpython" else [*interpreter.find(), "-X", f"heapsize={heapsize}"]
    )
    done = subprocess.run(
        [*command, str(HERE / program), str(FIRMWARE), str(folder)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    outcomes = [json.loads(line[1:]) for line in done.stdout.split("\n") if line.startswith("\x1e")]
    assert len(outcomes) == len(jobs), done.stdout + done.stderr
    return outcomes


def submission(service, *messages, password="canary-password", **more):
    """A job for client submission: STARTTLS, verified, AUTH."""
    mail = {
        "host": "smtp.office365.com",
        "connect_to": service.submission.host,
        "port": service.submission.port,
        "tls": "required",
    }
    return {"mail": mail | more, "username": "mote@contoso.test", "password": password, "messages": messages}


def anonymous(service, *messages, **more):
    """A job for direct send and for the relay: no sign-in."""
    mail = {"host": service.mx.host, "port": service.mx.port, "tls": "none"}
    return {"mail": mail | more, "messages": messages}


def message(*to, **more):
    return {"from": "mote@contoso.test", "to": to or ("facilities@contoso.test",)} | more
