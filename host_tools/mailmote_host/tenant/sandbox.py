"""`mailmote sandbox`: a tenant on this computer, to point a board or any mail client at.

The password and the client secret are generated, or taken from MAILMOTE_SANDBOX_PASSWORD and
MAILMOTE_SANDBOX_CLIENT_SECRET; they open nothing but the sandbox.
"""

import email.policy
import json
import os
import secrets
import sys
import uuid
from contextlib import suppress
from email import message_from_bytes
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import click

from ..errors import HostError, UsageError
from .directory import Application, ClientSecret
from .manners import Stack
from .model import Connector, Mailbox, Tenant
from .record import Message
from .service import Service, serve

PASSWORD_VARIABLE = "MAILMOTE_SANDBOX_PASSWORD"  # noqa: S105 - a name, not a password
CLIENT_SECRET_VARIABLE = "MAILMOTE_SANDBOX_CLIENT_SECRET"  # noqa: S105 - a name, not a secret


EXAMPLE = """\b
Example:
  mailmote sandbox --domain contoso.example --connector 127.0.0.0/8 --save mails"""

_A_FILE = click.Path(path_type=Path)


@click.command(epilog=EXAMPLE, context_settings={"show_default": True})
@click.option("--host", default="127.0.0.1", help="address to listen on")
@click.option("--submission-port", type=int, default=5587, metavar="PORT")
@click.option("--mx-port", type=int, default=5025, metavar="PORT")
@click.option("--sign-in-port", type=int, default=5443, metavar="PORT", help="for OAuth")
@click.option(
    "--ca-file",
    type=_A_FILE,
    default=Path("sandbox-ca.pem"),
    metavar="FILE",
    help="write the certificate to trust here",
)
@click.option("--domain", default="contoso.example", help="the tenant's accepted domain")
@click.option("--mailbox", metavar="ADDRESS", help="that signs in (default: mote@ the domain)")
@click.option("--recipient", multiple=True, metavar="ADDRESS", help="a further one in the domain; repeatable")
@click.option("--connector", multiple=True, metavar="NETWORK", help="may relay, as 127.0.0.0/8; repeatable")
@click.option("--reject-direct-send", is_flag=True, help="RejectDirectSend is on")
@click.option("--security-defaults", is_flag=True, help="Security Defaults are on")
@click.option("--smtp-auth-disabled", is_flag=True, help="SMTP AUTH is off in the organisation")
@click.option("--basic-auth-disabled", is_flag=True, help="passwords are not accepted")
@click.option(
    "--client-id",
    metavar="GUID",
    help="of its application; always the same for the same domain, told at the start",
)
@click.option(
    "--approve-sign-ins",
    is_flag=True,
    help="approve device codes at once, as the mailbox; else a person does, on a page",
)
@click.option("--no-public-client-flows", is_flag=True, help="device codes need a client secret too")
@click.option(
    "--no-full-access", is_flag=True, help="the application itself has no FullAccess on the mailbox"
)
@click.option("--stack", type=click.Choice(get_args(Stack)), default="new", help="front end")
@click.option("--real-delays", is_flag=True, help="wait as long as Exchange Online does")
@click.option("--json", "json", is_flag=True, help="print each mail as a line of JSON")
@click.option("--save", type=_A_FILE, metavar="FOLDER", help="write each mail to a file in this folder")
def command(**options: Any) -> int:
    """Run a fake Microsoft 365 tenant on this computer, until Ctrl-C.

    Its password and client secret are generated, or taken from MAILMOTE_SANDBOX_PASSWORD and
    MAILMOTE_SANDBOX_CLIENT_SECRET.
    """
    return run(SimpleNamespace(**options))


def run(arguments: SimpleNamespace) -> int:
    """Serve until Ctrl-C; 0 then. Raises HostError or UsageError."""
    if arguments.submission_port == arguments.mx_port != 0:
        raise UsageError(f"both endpoints are given port {arguments.mx_port}: choose another with --mx-port.")
    if arguments.sign_in_port in {arguments.submission_port, arguments.mx_port} - {0}:
        taken = arguments.sign_in_port
        raise UsageError(f"two endpoints are given port {taken}: choose another with --sign-in-port.")
    given = os.environ.get(PASSWORD_VARIABLE)
    mailbox = Mailbox(arguments.mailbox or f"mote@{arguments.domain}", given or secrets.token_urlsafe(12))
    with (
        suppress(KeyboardInterrupt),
        serve(
            _tenant(arguments, mailbox),
            host=arguments.host,
            submission_port=arguments.submission_port,
            mx_port=arguments.mx_port,
            sign_in_port=arguments.sign_in_port,
            stack=arguments.stack,
            delays=float(arguments.real_delays),
        ) as service,
    ):
        _write(arguments.ca_file, service.ca_pem.encode())
        password = f"the password in {PASSWORD_VARIABLE}" if given else f"password {mailbox.password}"
        directions = _directions(service, mailbox.address, password, arguments.ca_file)
        print(directions, file=sys.stderr if arguments.json else sys.stdout, flush=True)
        for number in count(1):
            message = service.wait_for(number, timeout_s=None)[number - 1]
            if arguments.save is not None:
                _write(arguments.save / f"{message.received_at:%Y%m%dT%H%M%S}-{number:04}.eml", message.data)
            print(_as_json(message) if arguments.json else _as_line(number, message), flush=True)
    return 0


def _tenant(arguments: SimpleNamespace, mailbox: Mailbox) -> Tenant:
    try:
        connectors = [Connector(networks=(network,)) for network in arguments.connector]
    except ValueError as error:
        raise UsageError(f"--connector: {error}. It is an address or a network as 192.0.2.0/24.") from error
    tenant = Tenant(
        accepted_domains=(arguments.domain,),
        mailboxes=[mailbox],
        approves_as=mailbox.address if arguments.approve_sign_ins else None,
        contacts={f"ops@{arguments.domain}", *arguments.recipient},
        connectors=connectors,
        reject_direct_send=arguments.reject_direct_send,
        security_defaults=arguments.security_defaults,
        smtp_auth_disabled=arguments.smtp_auth_disabled,
        basic_auth_disabled=arguments.basic_auth_disabled,
    )
    tenant.applications.append(_application(arguments, tenant, mailbox))
    return tenant


def _application(arguments: SimpleNamespace, tenant: Tenant, mailbox: Mailbox) -> Application:
    try:
        client_id = arguments.client_id and str(uuid.UUID(arguments.client_id))
    except ValueError as error:
        raise UsageError(f"--client-id {arguments.client_id!r} is no GUID.") from error
    secret = os.environ.get(CLIENT_SECRET_VARIABLE) or secrets.token_urlsafe(30)
    application = Application(
        client_id or tenant.object_id(f"mailmote.{arguments.domain}"),
        public_client_flows=not arguments.no_public_client_flows,
        secrets=[ClientSecret(secret)],
    )
    if not arguments.no_full_access:
        application.grant_full_access(mailbox.address)
    return application


def _directions(service: Service, user: str, password: str, ca_file: Path) -> str:
    domain = service.tenant.accepted_domains[0]
    submission, mx, sign_in = service.submission, service.mx, service.sign_in
    [application] = service.tenant.applications
    given = os.environ.get(CLIENT_SECRET_VARIABLE)
    secret = f"that in {CLIENT_SECRET_VARIABLE}" if given else application.secrets[0].value
    return f"""\
A Microsoft 365 tenant for {domain}, on this computer only. Trust {ca_file}; Ctrl-C ends it.

  Client submission   {submission.host} port {submission.port}, name smtp.office365.com
                      sign in as {user}, {password}
  Direct send, relay  {mx.host} port {mx.port}, name {domain.replace(".", "-")}.mail.protection.outlook.com
                      recipients {", ".join(sorted({user, *service.tenant.contacts}))}
  Sign-in, OAuth      {sign_in.host} port {sign_in.port}, name login.microsoftonline.com
                      tenant {domain}, client id {application.client_id}
                      client secret {secret}
                      device codes are typed in at https://{sign_in.host}:{sign_in.port}/devicelogin

In mote.toml: connect_to = "{submission.host}" and the port above, in [mail] and in [oauth]. With swaks:

  swaks --server {submission.host}:{submission.port} --tls --auth LOGIN --auth-user {user} \\
        --from {user} --to someone@fabrikam.example
  swaks --server {mx.host}:{mx.port} --from alarm@{domain} --to ops@{domain}
"""


def _as_line(number: int, message: Message) -> str:
    subject = message_from_bytes(message.data, policy=email.policy.default).get("Subject", "(no subject)")
    how = ", ".join(
        filter(None, [message.endpoint, message.tls or "no TLS", message.auth and message.auth[0]])
    )
    return (
        f"{number}  {message.mail_from} to {', '.join(message.recipients)}: {subject}"
        f"  [{how}, {message.round_trips} round trips, {len(message.data)} octets]"
    )


def _as_json(message: Message) -> str:
    return json.dumps(
        {
            "received_at": message.received_at and message.received_at.isoformat(),
            "endpoint": message.endpoint,
            "client": message.session.client,
            "helo": message.helo,
            "tls": message.tls,
            "auth": message.auth,
            "mail_from": message.mail_from,
            "recipients": message.recipients,
            "refused": message.refused,
            "round_trips": message.round_trips,
            "octets": len(message.data),
            "message": message.data.decode("utf-8", "replace"),
        },
        ensure_ascii=False,
    )


def _write(path: Path, octets: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(octets)
    except OSError as error:
        raise HostError(
            f"cannot write {path} ({error.strerror}): choose a place that you may write to"
        ) from error
