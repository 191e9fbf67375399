"""Calls of umail on either runtime: jobs in and the outcome of each call out, a line of JSON a job.

    umail_play.py PATH-ENTRIES JOBS

A job has "calls", each [name, arguments, keywords], the first of them SMTP; "set" are attributes of umail,
"now_s" is the time, "largest_block" that of an ESP32's heap. The process goes on after an exception, so that
a job shows what can still be done then.
"""

import gc
import json
import sys

sys.path[:0] = sys.argv[1].split(":")

import umail  # noqa: E402
from mailmote import compat  # noqa: E402


class Esp32:
    """As much of the module as is asked before a handshake."""

    HEAP_DATA = 4

    def __init__(self, largest_block):
        self._largest_block = largest_block

    def idf_heap_info(self, capabilities):
        return [(200000, 60000, self._largest_block, 50000)]


def outcome_of(call, arguments, keywords):
    """(what the call returned, the outcome to tell)."""
    try:
        returned = call(*arguments, **keywords)
    except Exception as error:
        return None, {
            "class": type(error).__name__,
            "assertion": isinstance(error, AssertionError),
            "os": isinstance(error, OSError),
            "key": getattr(error, "key", None),
            "text": str(error),
        }
    return returned, {"returned": returned if isinstance(returned, tuple) else None}


def play(job):
    for name, value in job["set"].items():
        setattr(umail, name, value)
    (_, arguments, keywords), *calls = job["calls"]
    smtp, outcome = outcome_of(umail.SMTP, arguments, keywords)
    outcomes = [outcome]
    for name, arguments, keywords in calls if smtp else ():
        for _ in range(keywords.pop("times", 1) - 1):
            getattr(smtp, name)(*arguments)
        outcomes.append(outcome_of(getattr(smtp, name), arguments, keywords)[1])
    print("\x1e" + json.dumps(outcomes))


clock = compat.unix_time
with open(sys.argv[2]) as file:
    for line in file:
        job = json.loads(line)
        compat.unix_time = (lambda now_s: lambda: now_s)(job["now_s"]) if "now_s" in job else clock
        if "largest_block" in job:
            sys.modules["esp32"] = Esp32(job["largest_block"])
        play(job)
        sys.modules.pop("esp32", None)
        gc.collect()
