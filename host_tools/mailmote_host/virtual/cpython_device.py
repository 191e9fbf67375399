"""Makes a process of CPython into a board.

`python -m mailmote_host.virtual.cpython_device --root DIR --nvs FILE --rtc FILE`

The same firmware, modules and scripts as under MicroPython; the root folder is a folder of the host, not a
littlefs, and nothing counts what is written to it.
"""

import argparse
import os
import sys
import traceback

from . import esp32_stand_in, machine_stand_in, network_stand_in, startup


def main():
    parser = argparse.ArgumentParser(prog="cpython_device", description="Run the firmware in CPython.")
    parser.add_argument("--root", required=True, help="the folder that is the board's root")
    parser.add_argument("--nvs", required=True, help="the file that is the board's NVS")
    parser.add_argument("--rtc", required=True, help="the file that is the memory of the board's RTC")
    arguments = parser.parse_args()
    esp32_stand_in.install(esp32_stand_in.NvsFile(os.path.abspath(arguments.nvs), open, os.replace))
    machine_stand_in.install(machine_stand_in.RtcFile(os.path.abspath(arguments.rtc), open, os.replace))
    network_stand_in.install()
    os.chdir(arguments.root)
    sys.path[:0] = [os.getcwd(), os.path.join(os.getcwd(), "lib")]
    startup.tell(started=True)
    code = startup.run(_execute, lambda error: traceback.print_exception(error, file=sys.stdout))
    sys.exit(code)


def _execute(name):
    with open(name, encoding="utf-8") as file:
        code = compile(file.read(), name, "exec")
    exec(code, {"__name__": "__main__"})  # noqa: S102 - the board's own script


if __name__ == "__main__":
    main()
