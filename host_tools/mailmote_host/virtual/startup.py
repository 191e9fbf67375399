"""What a board does after power-on: boot.py, then main.py. On MicroPython and on CPython.

The program talks to whoever started it in lines of JSON that begin with the character RS (0x1e).
"""

import json
import os
import sys

FACTS_MARK = "\x1e"
EXIT_INTERRUPTED = 130  # as a shell tells an end by Ctrl-C


def tell(**facts):
    """Print a line for the program that started this one."""
    print(FACTS_MARK + json.dumps(facts))


def run(execute, print_exception):
    """Run the scripts; return the exit code. An uncaught exception is printed, as on a board's console.

    `execute(name)` runs a script as `__main__`. A script that fails, or exits, is the last one.
    """
    for name in ("boot.py", "main.py"):
        if not _exists(name):
            continue
        try:
            execute(name)
        except SystemExit as error:
            return _exit_code(error)
        except KeyboardInterrupt as error:
            print_exception(error)
            return EXIT_INTERRUPTED
        except Exception as error:
            print_exception(error)
            return 1
    return 0


def _exists(name):
    try:
        os.stat(name)
    except OSError:
        return False
    return True


def _exit_code(error):
    code = error.args[0] if error.args else None
    if code is None:
        return 0
    if isinstance(code, int):
        return code
    print(code, file=sys.stdout)
    return 1
