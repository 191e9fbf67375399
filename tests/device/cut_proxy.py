"""A proxy on loopback that breaks a connection after any octet, with FIN or RST, towards both ends."""

import contextlib
import selectors
import socket
import struct
import threading

from cut_line import DOWN, FIN, RST, UP

_CHUNK_OCTETS = 65536
_PATIENCE_S = 30


class Proxy:
    """Passes connections on to `target`, one after the other. `port` is where it listens.

    `cut` is for the next connection, once. `carried` has, for each connection so far, the octets of each way.
    """

    def __init__(self, target):
        self.cut = None
        self.carried = []
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._failure = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # A shutdown ends the accept() that the thread waits in; a close alone would not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        if self._failure:
            raise self._failure

    def _run(self):
        while True:
            try:
                board, _ = self._listener.accept()
            except OSError:
                return
            cut, self.cut = self.cut, None
            carried = {UP: 0, DOWN: 0}
            self.carried.append(carried)
            try:
                with board, socket.create_connection(self._target) as server:
                    _Pair(board, server, cut, carried).carry()
            except OSError as error:
                self._failure = error


class _Pair:
    """Both ends of one connection."""

    def __init__(self, board, server, cut, carried):
        self._ways = {board: (UP, server), server: (DOWN, board)}
        self._cut = cut
        self._carried = carried
        for end in self._ways:
            end.settimeout(_PATIENCE_S)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def carry(self):
        """Until both ends have closed, or the cut is made."""
        if self._due():
            return self._break()
        with selectors.DefaultSelector() as selector:
            for end in self._ways:
                selector.register(end, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(_PATIENCE_S)
                if not ready:
                    raise TimeoutError("a connection that nobody ends")
                for key, _ in ready:
                    if not self._pass_on(key.fileobj):
                        selector.unregister(key.fileobj)
                    if self._due():
                        return self._break()
        return None

    def _due(self):
        return self._cut is not None and self._carried[self._cut.way] >= self._cut.after

    def _pass_on(self, end):
        """False at the end of what comes from `end`."""
        way, other = self._ways[end]
        room = _CHUNK_OCTETS
        if self._cut is not None and self._cut.way == way:
            room = self._cut.after - self._carried[way]
        try:
            data = end.recv(min(room, _CHUNK_OCTETS))
        except ConnectionError:
            data = b""
        self._carried[way] += len(data)
        with contextlib.suppress(OSError):  # it has closed already
            if data:
                other.sendall(data)
            else:
                other.shutdown(socket.SHUT_WR)
        return bool(data)

    def _break(self):
        for end in self._ways:
            with contextlib.suppress(OSError):
                if self._cut.kind == RST:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    end.close()
                else:
                    assert self._cut.kind == FIN
                    end.shutdown(socket.SHUT_WR)
        if self._cut.kind == FIN:
            self._drain()

    def _drain(self):
        """Until both ends have closed: to close with something unread would send RST."""
        for end in self._ways:
            with contextlib.suppress(ConnectionError):
                while end.recv(_CHUNK_OCTETS):
                    pass
