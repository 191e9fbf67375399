"""A DNS server on loopback, over UDP and TCP, for zones that a test makes up.

    with DnsServer({"contoso.com": {"MX": ["0 mx.contoso.com."], "TXT": ['"v=spf1 -all"']}}) as server:
        ...  # asks server.address, as 127.0.0.1:54321

A name that is in no zone gets NXDOMAIN, one without records of the kind an empty answer. SERVFAIL or SILENCE
in place of a name's records is what that name gets.
"""

import socket
import struct
import threading
from collections.abc import Mapping, Sequence

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

SERVFAIL = "SERVFAIL"
SILENCE = "SILENCE"
_UDP_OCTETS = 512  # RFC 1035 section 4.2.1: the client has to come again over TCP for more
_TTL_S = 60

Records = Mapping[str, Sequence[str]] | str


class DnsServer:
    """Serves from `start`, or the begin of a `with`, on; `zones` may be changed while it does.

    `asked` are the questions so far: (name, kind, "udp" or "tcp").
    """

    def __init__(self, zones: Mapping[str, Records]) -> None:
        self.zones = dict(zones)
        self.asked: list[tuple[str, str, str]] = []
        self._udp, self._tcp = _bound_alike()
        self._threads = [
            threading.Thread(target=run, daemon=True) for run in (self._over_udp, self._over_tcp)
        ]

    @property
    def address(self) -> str:
        host, port = self._udp.getsockname()
        return f"{host}:{port}"

    def __enter__(self) -> "DnsServer":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        port = self._udp.getsockname()[1]
        self._udp.sendto(
            b"", ("127.0.0.1", port)
        )  # an empty datagram, and an empty connection, end the threads
        socket.create_connection(("127.0.0.1", port)).close()
        for thread in self._threads:
            thread.join()
        self._udp.close()
        self._tcp.close()

    def _over_udp(self) -> None:
        while True:
            data, client = self._udp.recvfrom(4096)
            if not data:
                return
            answer = self._answer(data, "udp")
            if answer is not None:
                self._udp.sendto(_fitting(answer), client)

    def _over_tcp(self) -> None:
        while True:
            connection, _ = self._tcp.accept()
            with connection:
                length = connection.recv(2, socket.MSG_WAITALL)
                if not length:
                    return
                data = connection.recv(struct.unpack("!H", length)[0], socket.MSG_WAITALL)
                answer = self._answer(data, "tcp")
                if answer is not None:
                    octets = answer.to_wire()
                    connection.sendall(struct.pack("!H", len(octets)) + octets)

    def _answer(self, data: bytes, how: str) -> dns.message.Message | None:
        query = dns.message.from_wire(data)
        [question] = query.question
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind, how))
        records = self.zones.get(name)
        if records == SILENCE:
            return None
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if records is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif isinstance(records, str):
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif kind in records:
            answer.answer.append(dns.rrset.from_text_list(question.name, _TTL_S, "IN", kind, records[kind]))
        return answer


def _bound_alike() -> tuple[socket.socket, socket.socket]:
    """A UDP and a listening TCP socket with the same port."""
    while True:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        try:
            return udp, socket.create_server(udp.getsockname())
        except OSError:  # that port is taken for TCP
            udp.close()


def _fitting(answer: dns.message.Message) -> bytes:
    octets = answer.to_wire()
    if len(octets) <= _UDP_OCTETS:
        return octets
    answer.answer.clear()
    answer.flags |= dns.flags.TC
    return answer.to_wire()
