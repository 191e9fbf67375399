"""A site for `mailmote doctor` to examine: its fake tenant, its DNS on loopback, and its mote.toml."""

import json

from dns_server import DnsServer

from mailmote_host import cli
from mailmote_host.tenant.directory import Application, ClientSecret
from mailmote_host.tenant.model import Mailbox, Tenant
from mailmote_host.tenant.service import serve

DOMAIN = "contoso.com"
MX = "contoso-com.mail.protection.outlook.com"
MAILBOX = "mote@contoso.com"
PASSWORD = "Kanarie-Vogel+Gelb&7=Zang"
SECRET = "kUx8Q~canary.Zr5T_wLq0vYh3nBd"
CLIENT_ID = "11111111-2222-3333-4444-555555555555"
SITE = "203.0.113.7"
LISTED = "7.113.0.203.zen.spamhaus.org"
GOOD = "v=spf1 ip4:203.0.113.7 include:spf.protection.outlook.com ~all"
ZONES = {
    DOMAIN: {"MX": [f"0 {MX}."], "TXT": [f'"{GOOD}"']},
    MX: {"A": ["127.0.0.1"]},
    "smtp.office365.com": {"A": ["127.0.0.1"]},
    "spf.protection.outlook.com": {"TXT": ['"v=spf1 ip4:40.92.0.0/15 -all"']},
}


class Patient:
    """A site: its tenant, its DNS and its mote.toml. `found` are the steps of the last visit, by name."""

    def __init__(self, folder, capsys, monkeypatch):
        self.folder = folder
        self.capsys = capsys
        self.monkeypatch = monkeypatch
        self.zones = dict(ZONES)
        self.toml = folder / "mote.toml"
        self.found = {}
        self.said = ""

    def examine(
        self,
        option,
        *arguments,
        tenant=None,
        mail=(),
        oauth=None,
        expect=0,
        address=SITE,
        faults=(),
        **serving,
    ):
        tenant = tenant or tenant_with()
        with (
            serve(tenant, faults=faults, patience_s=0.02, **serving) as service,
            DnsServer(self.zones) as names,
        ):
            endpoint = service.submission if option == "client-submission" else service.mx
            self.write(option, endpoint, service, dict(mail), oauth)
            given = ("--public-address", address) if address else ()
            arguments = ("--dns-server", names.address, "--timeout", "5", *given, *arguments)
            self.run(*arguments, expect=expect)
            self.service, self.asked = service, names.asked
        return self.found

    def run(self, *arguments, expect=0):
        code = cli.main(["doctor", str(self.toml), *arguments, "--json"])
        said = self.capsys.readouterr()
        self.said = said.out + said.err
        assert code == expect, self.said
        if expect != 2:
            results = json.loads(said.out)
            self.results = results
            self.found = {result["step"]: result for result in results}

    def write(self, option, endpoint, service, mail, oauth=None):
        (self.folder / "ca.pem").write_text(service.ca_pem)
        mail = {
            "option": option,
            "from": MAILBOX,
            "to": ["ops@contoso.com"],
            "connect_to": endpoint.host,
            "port": endpoint.port,
            "ca": "ca.pem",
            **mail,
        }
        lines = ["[device]", 'name = "freezer-3"', "[mail]", *_lines(mail)]
        if oauth is not None:
            where = {
                "host": "login.microsoftonline.com",
                "connect_to": "127.0.0.1",
                "port": service.sign_in.port,
            }
            lines += ["[oauth]", *_lines({"tenant": DOMAIN, "client_id": CLIENT_ID, **where, **oauth})]
        lines += ["[[sensor]]", 'name = "s"', 'driver = "system"', 'metric = "uptime"']
        lines += ["[[alarm]]", 'name = "a"', 'sensor = "s"', "above = 1"]
        self.toml.write_text("\n".join(lines))

    def with_password(self, password=PASSWORD):
        self.monkeypatch.setenv("MAILMOTE_MAIL_PASSWORD", password)

    def ok(self):
        return {step: result["ok"] for step, result in self.found.items()}


def _lines(table):
    return [f"{key} = {json.dumps(value)}" for key, value in table.items() if value is not None]


def tenant_with(mailbox=None, **switches):
    application = Application(CLIENT_ID, secrets=[ClientSecret(SECRET)])
    application.grant_full_access(MAILBOX)
    box = Mailbox(MAILBOX, PASSWORD, **(mailbox or {}))
    return Tenant((DOMAIN,), [box], contacts={"ops@contoso.com"}, applications=[application], **switches)
