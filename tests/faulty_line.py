"""A cable with faults: a TCP proxy before a board on RFC 2217."""

import contextlib
import re
import socket
import threading

# RFC 2217: IAC SB COM-PORT-OPTION SET-BAUDRATE, then the rate.
_SET_BAUD_RATE = re.compile(rb"\xff\xfa\x2c\x01(.{4})", re.DOTALL)
# What the port itself says, not the board behind it.
_OPTIONS = re.compile(rb"\xff\xfa.*?\xff\xf0|\xff[\xfb-\xfe].", re.DOTALL)


class FaultyLine:
    """`port` leads to `board_port`. `rates` are those that were set.

    Above `fastest` nothing of the board comes back. After an answer with `deaf_after` in it neither, until
    the next connection.
    """

    def __init__(self, board_port, fastest=10**9, deaf_after=None):
        self._target = ("127.0.0.1", int(board_port.rpartition(":")[2]))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = "rfc2217://127.0.0.1:%d" % self._listener.getsockname()[1]
        self.rates = []
        self._fastest = fastest
        self._deaf_after = deaf_after
        self._sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def unplug(self):
        """Cut the connections that there are; the next one works."""
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._sockets.clear()

    def close(self):
        self._listener.close()
        self.unplug()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            board = socket.create_connection(self._target)
            self._sockets += [client, board]
            deaf = threading.Event()
            threading.Thread(target=self._to_board, args=(client, board, deaf), daemon=True).start()
            threading.Thread(target=self._to_client, args=(board, client, deaf), daemon=True).start()

    def _to_board(self, client, board, deaf):
        seen = b""
        for data in _received(client):
            seen = seen[-16:] + data
            for rate in _SET_BAUD_RATE.findall(seen):
                value = int.from_bytes(rate, "big")
                self.rates.append(value)
                if value > self._fastest:
                    deaf.set()
            with contextlib.suppress(OSError):
                board.sendall(data)
        _finish(board)

    def _to_client(self, board, client, deaf):
        seen = b""
        for data in _received(board):
            with contextlib.suppress(OSError):
                client.sendall(b"".join(_OPTIONS.findall(data)) if deaf.is_set() else data)
            seen = seen[-16:] + data
            if self._deaf_after and self._deaf_after in seen:
                deaf.set()
        _finish(client)


def _received(one):
    while True:
        try:
            data = one.recv(4096)
        except OSError:
            return
        if not data:
            return
        yield data


def _finish(one):
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
