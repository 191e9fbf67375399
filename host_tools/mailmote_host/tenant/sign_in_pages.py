"""The page where a person types the device code; it asks for no password, as the tenant is not a real one."""

from collections.abc import Mapping
from html import escape

from .aadsts import Refused
from .model import Tenant

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sign in: sandbox tenant</title>
<style>body {{ font: 1.1rem sans-serif; max-width: 28rem; margin: 3rem auto }}</style>
<h1>Sandbox tenant</h1>
<p>{told}</p>
{form}
</html>
"""

_FORM = """\
<form method="post" action="/devicelogin">
<p><label>Code<br><input name="code" autocomplete="off" autofocus required></label>
<p><label>Account<br><select name="account">{accounts}</select></label>
<p><button name="answer" value="approve">Sign in and allow</button>
<button name="answer" value="decline">Refuse</button>
</form>"""


def device_page(tenant: Tenant) -> str:
    """The empty form."""
    return _page(tenant, "Type the code that the program shows. No password is needed here.", with_form=True)


def device_answer(tenant: Tenant, form: Mapping[str, str]) -> str:
    """What the person did takes effect; the page that says so, or the form again with the reason."""
    code = form.get("code", "")
    try:
        if form.get("answer") == "decline":
            tenant.decline(code)
            return _page(tenant, "You have refused. You can close this window.")
        tenant.approve(code, form.get("account", ""))
    except Refused as refused:
        return _page(tenant, str(refused), with_form=True)
    return _page(tenant, "You have signed in. You can close this window.")


def _page(tenant: Tenant, told: str, with_form: bool = False) -> str:
    accounts = "".join(f"<option>{escape(mailbox.address)}</option>" for mailbox in tenant.mailboxes)
    return _PAGE.format(told=escape(told), form=_FORM.format(accounts=accounts) if with_form else "")
