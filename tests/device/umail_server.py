"""Mail servers that the fake tenant cannot be: with TLS from the first octet, AUTH PLAIN, any replies."""

import contextlib
import socket
import threading
import time

_TIMEOUT_S = 60  # of a client that is neither heard nor gone


class Server:
    """One connection at a time, each in the same words.

    `replies`: octets by command, or by "GREETING", "CONTENT", "OTHER". `said` has
    the lines of the client, `messages` what came after DATA, dots unstuffed; it begins to read one after
    `hesitates_s`.
    """

    def __init__(self, context=None, replies=(), hesitates_s=0.0):
        self._context = context
        self._hesitates_s = hesitates_s
        self._replies = {
            "GREETING": b"220 ready\r\n",
            "EHLO": b"250-hello\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN XOAUTH2\r\n",
            "AUTH": b"235 2.7.0 welcome\r\n",
            "DATA": b"354 go on\r\n",
            "CONTENT": b"250 2.0.0 taken\r\n",
            "QUIT": b"221 bye\r\n",
            "OTHER": b"250 2.1.0 fine\r\n",
        } | dict(replies)
        self.said = []
        self.messages = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = "localhost", self._listener.getsockname()[1]
        self._connections = []
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        for waiting in (self._listener, *self._connections):
            with contextlib.suppress(OSError):  # it is closed, or was taken over by TLS
                waiting.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _listen(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(_TIMEOUT_S)
            self._connections.append(connection)
            try:
                if self._context:
                    connection = self._context.wrap_socket(connection, server_side=True)
                    self._connections.append(connection)
                with connection, connection.makefile("rb") as lines:
                    self._serve(connection, lines)
            except OSError:
                pass  # the client went away

    def _serve(self, connection, lines):
        connection.sendall(self._replies["GREETING"])
        for line in lines:
            self.said.append(line)
            verb = line.split()[0].decode().upper() if line.strip() else ""
            connection.sendall(self._replies.get(verb, self._replies["OTHER"]))
            if verb == "DATA":
                time.sleep(self._hesitates_s)
                self.messages.append(_message(lines))
                connection.sendall(self._replies["CONTENT"])


class DrippingHandshake(Server):
    """It answers the client's hello with one octet at a time, of a record that never ends."""

    def _serve(self, connection, lines):
        connection.recv(4096)
        connection.sendall(b"\x16\x03\x03\x3f\xff")
        while True:
            connection.sendall(b"\0")
            time.sleep(0.02)


def _message(lines):
    unstuffed = []
    for line in lines:
        if line == b".\r\n":
            break
        unstuffed.append(line[1:] if line.startswith(b".") else line)
    return b"".join(unstuffed)


def implicit_tls(authority):
    """A Server with TLS from the first octet, with a certificate of that authority."""
    return Server(authority.server_context(["localhost", "127.0.0.1"]))
