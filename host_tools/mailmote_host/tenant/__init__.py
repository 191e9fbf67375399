"""A Microsoft 365 tenant that is not one: its SMTP endpoints and its sign-in endpoint on local ports, with
Microsoft's texts, rules and limits, for tests and for people who try a board out.

    tenant = Tenant(("contoso.example",), [Mailbox("mote@contoso.example", "a password")])
    with serve(tenant) as service:
        ...                                   # talk to service.submission.port, trust service.ca_pem
        [message] = service.wait_for(1)
"""

from .aadsts import Refused
from .ca import Authority
from .directory import Application, ClientSecret, Lifetimes
from .faults import FIN, RST, Command, Delay, Fault, InData, Received, Replied, Reply, Stage
from .model import Connector, Mailbox, Tenant
from .record import Message, Session, SignInAttempt
from .service import PortUnusable, Service, serve
from .sign_in_faults import Broken, HttpAnswer

__all__ = [
    "FIN",
    "RST",
    "Application",
    "Authority",
    "Broken",
    "ClientSecret",
    "Command",
    "Connector",
    "Delay",
    "Fault",
    "InData",
    "HttpAnswer",
    "Lifetimes",
    "Mailbox",
    "Message",
    "PortUnusable",
    "Received",
    "Refused",
    "Replied",
    "Reply",
    "Service",
    "Session",
    "SignInAttempt",
    "Stage",
    "Tenant",
    "serve",
]
