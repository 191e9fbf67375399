"""What loading and letting go of what a delivery needs does to the heap of a board, 50 times.

    loans.py FOLDER-OF-FIRMWARE

Prints what MicroPython's table of names has before and after the first time, and then JSON: the heap in use
with it, and after letting go, for the first and the last time; the names of its modules that are still there.
"""

import gc
import json
import sys

import micropython

sys.path.insert(0, sys.argv[1])

from mailmote import compat

compat.keep_heap_compact()
compat.learn_names("mailmote.dispatch")

import mailmote.agent  # noqa: E402, F401


def once():
    loan = compat.Loan("mailmote.dispatch")
    gc.collect()
    lent = gc.mem_alloc()
    loan.end()
    gc.collect()
    return lent, gc.mem_alloc()


micropython.qstr_info()
once()
micropython.qstr_info()
first = once()
for _ in range(48):
    last = once()
left = [name for name in sys.modules if name.startswith("mailmote.mail") or name == "mailmote.smtp.dialogue"]
kept = "mailmote.net.stream" in sys.modules
print(json.dumps({"first": first, "last": last, "left": sorted(left), "stream_kept": kept}))
