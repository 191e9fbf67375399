"""Run the test functions of one `both_*.py` module under MicroPython; one line of JSON a test.

    micropython run_on_micropython.py PATH-ENTRIES MODULE

PATH-ENTRIES are separated by `:` and put before sys.path.
"""

import io
import json
import sys

sys.path[:0] = sys.argv[1].split(":")
module = __import__(sys.argv[2])

for name in sorted(dir(module)):
    if not name.startswith("test_"):
        continue
    try:
        getattr(module, name)()
        failure = None
    except Exception as error:
        text = io.StringIO()
        sys.print_exception(error, text)
        failure = text.getvalue()
    print("\x1e" + json.dumps([name, failure]))
