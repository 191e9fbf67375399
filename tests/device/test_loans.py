"""What only a connection needs is in the heap only while there is one."""

import json
import re
import subprocess
from pathlib import Path

from mailmote_host.board.firmware import files

PROGRAM = Path(__file__).parent / "loans.py"


def test_fifty_deliveries_leave_the_heap_as_it_was(micropython, tmp_path):
    for name, content in files().items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    done = subprocess.run(
        [*micropython, "-X", "heapsize=280K", str(PROGRAM), str(tmp_path / "lib")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *names, told = done.stdout.splitlines()
    assert [re.search(r"n_qstr=(\d+)", line)[1] for line in names] == [
        re.search(r"n_qstr=(\d+)", names[0])[1]
    ] * 2, "the names were to be learnt while there is room for the table"
    told = json.loads(told)
    print(told)
    (lent, before), (_, after) = told["first"], told["last"]
    assert lent - before > 40_000
    assert after - before < 1000
    assert after < 170_000, "on a 64-bit port, with asyncio: what is loaded between deliveries"
    assert told["left"] == ["mailmote.mailbag"]
    assert told["stream_kept"], "it knows who speaks TLS"
