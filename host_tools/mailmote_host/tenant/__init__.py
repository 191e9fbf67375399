"""A Microsoft 365 tenant that is not one: its SMTP endpoints on local ports, with Exchange Online's texts,
rules and limits, for tests and for people who try a board out.

    tenant = Tenant(("contoso.example",), [Mailbox("mote@contoso.example", "a password")])
    with serve(tenant) as service:
        ...                                   # talk to service.submission.port, trust service.ca_pem
        [message] = service.wait_for(1)
"""

from .ca import Authority
from .faults import FIN, RST, Command, Delay, Fault, InData, Received, Replied, Reply, Stage
from .model import Connector, Mailbox, Tenant
from .record import Message, Session
from .service import PortUnusable, Service, serve

__all__ = [
    "FIN",
    "RST",
    "Authority",
    "Command",
    "Connector",
    "Delay",
    "Fault",
    "InData",
    "Mailbox",
    "Message",
    "PortUnusable",
    "Received",
    "Replied",
    "Reply",
    "Service",
    "Session",
    "Stage",
    "Tenant",
    "serve",
]
