"""A cable that breaks after so many octets: a pseudo-terminal between a program and the port of a board."""

import os
import select
import threading

from terminal import Terminal

TO_BOARD, FROM_BOARD = "to the board", "from the board"
_CHUNK_BYTES = 4096


class Cable:
    """`port` is what the program opens, with the board's own port behind it.

    It breaks once `after` octets went in the direction `way`, and the program's port goes away. `carried`
    counts the octets of each way.
    """

    def __init__(self, board_port, way=None, after=0):
        self._way, self._after = way, after
        self.carried = {TO_BOARD: 0, FROM_BOARD: 0}
        self._board_end = os.open(board_port, os.O_RDWR | os.O_NOCTTY)
        self._terminal = Terminal()
        self.port = self._terminal.name
        self._stop_read, self._stop = os.pipe()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def _carry(self):
        near_end = self._terminal.board_end
        ways = {near_end: (TO_BOARD, self._board_end), self._board_end: (FROM_BOARD, near_end)}
        broken = False
        while not broken:
            ready, _, _ = select.select([*ways, self._stop_read], [], [])
            if self._stop_read in ready:
                break
            for end in ready:
                way, other = ways[end]
                data = os.read(end, _CHUNK_BYTES)
                if way == self._way and self.carried[way] + len(data) >= self._after:
                    data, broken = data[: self._after - self.carried[way]], True
                self.carried[way] += len(data)
                while data:
                    data = data[os.write(other, data) :]
                if broken:
                    break
        self._terminal.close()
        os.close(self._board_end)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        os.write(self._stop, b"x")
        self._thread.join()
        os.close(self._stop_read)
        os.close(self._stop)
