"""A pseudo-terminal as a serial port of a test's own.

Its name is a link that goes before the terminal does: the number that the system gave it is given anew at
once, and a program that still looks for its port would open that of another test.
"""

import os
import pty
import tempfile
import tty


class Terminal:
    """`name` is what a program opens as its port; the test reads and writes `board_end`."""

    def __init__(self):
        self.board_end, self.program_end = pty.openpty()
        tty.setraw(self.program_end)
        self._folder = tempfile.TemporaryDirectory(prefix="mailmote-port-")
        self.name = os.path.join(self._folder.name, "port")
        os.symlink(os.ttyname(self.program_end), self.name)

    def let_go(self):
        """Unplug it: whoever reads or writes at either end is told."""
        if self.program_end >= 0:
            self._folder.cleanup()
            os.close(self.program_end)
            self.program_end = -1

    def close(self):
        self.let_go()
        os.close(self.board_end)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
