"""What Exchange makes of an access token that a client shows with AUTH XOAUTH2."""

from typing import NamedTuple

from .directory import SEND, SEND_AS_APP, SUBMISSION_RESOURCES, Application
from .model import Mailbox, Tenant
from .tokens import AccessToken


class Bearer(NamedTuple):
    """Who has signed in: a mailbox, and the application that did it with no person, or None."""

    mailbox: Mailbox
    application: Application | None


def bearer(tenant: Tenant, user: str, text: str) -> Bearer | None:
    """Whom the token lets in as `user`; None: nobody.

    A token of a person opens the person's own mailbox, and one where the person has FullAccess or that the
    person may send as. A token of an application opens any: whether it may send shows after the message.
    """
    token = tenant.vault.access.get(text)
    mailbox = tenant.mailbox(user)
    if token is None or mailbox is None or token.resource not in SUBMISSION_RESOURCES:
        return None
    if token.revoked or not token.issued_s <= tenant.clock() < token.expires_s:
        return None
    if token.user is None:
        return _application(tenant, token, mailbox)
    return Bearer(mailbox, None) if _person_may_open(tenant, token, mailbox) else None


def _application(tenant: Tenant, token: AccessToken, mailbox: Mailbox) -> Bearer | None:
    application = tenant.application(token.client_id)
    if application is None or not application.registered_in_exchange or SEND_AS_APP not in token.permissions:
        return None
    return Bearer(mailbox, application)


def _person_may_open(tenant: Tenant, token: AccessToken, mailbox: Mailbox) -> bool:
    person = tenant.mailbox(token.user or "")
    if person is None or person.disabled or SEND not in token.permissions:
        return False
    if token.issued_s < person.tokens_valid_from or tenant.application(token.client_id) is None:
        return False
    has_access = {address.lower() for address in mailbox.full_access}
    return person.address.lower() in has_access or person.may_send_as(mailbox.address)
