"""The MX endpoint: direct send and relay."""

from .form import LongForm
from .pages import (
    ACCEPTED_DOMAINS,
    CONNECTORS,
    DIRECT_SEND,
    DMARC,
    IPV6,
    REFUSALS,
    RFC,
    SPF,
    THREE_WAYS,
    WRONG_REGION,
)

_SPF_STEPS = (
    "Find the public address that the site sends from; the EHLO reply of smtp.office365.com names it in "
    "brackets.",
    'In the DNS of the From domain, set the one TXT record that begins with v=spf1 to "v=spf1 ip4:<public '
    'address> include:spf.protection.outlook.com ~all", keeping what else it names.',
    "Wait until the old record's time to live has passed, then let the board try again.",
)
_IPV4_STEP = (
    "Or keep the board on IPv4: set connect_to to an IPv4 address of the host, and look it up now and then."
)

LONG_FORMS = {
    "direct-send-rejected": LongForm(
        "The organisation has turned RejectDirectSend on: mail that comes unauthenticated, from one of its "
        "own domains, and matches no connector, is refused. It guards against forged mail, so leave it on.",
        (
            "Use option client-submission, if the board can sign in.",
            "Or make an inbound connector for the site's static address or a certificate, and use option "
            "smtp-relay.",
            "Or, with the risk that anyone can forge the organisation's addresses, turn the switch off; "
            "that takes up to half an hour.",
        ),
        (
            "Get-OrganizationConfig | Format-List RejectDirectSend",
            "New-InboundConnector -Name mailmote -ConnectorType OnPremises -SenderDomains * "
            "-SenderIPAddresses <public address>",
            "Set-OrganizationConfig -RejectDirectSend $false",
        ),
        (DIRECT_SEND, THREE_WAYS),
    ),
    "relay-denied-domain": LongForm(
        "ATTR36: the server could not tell whose mail this is. Neither the domain of MAIL FROM nor the "
        "name in the client's certificate is an accepted domain of the organisation.",
        (
            "Use a from address in an accepted domain of the organisation.",
            "With a certificate: its name must be in an accepted domain, and the connector must name it.",
        ),
        (
            "Get-AcceptedDomain",
            "Get-InboundConnector | Format-List Name, Enabled, SenderIPAddresses, TlsSenderCertificateName",
        ),
        (ACCEPTED_DOMAINS, CONNECTORS),
    ),
    "relay-denied": LongForm(
        "A recipient is outside the organisation, and no inbound connector matched the connection, so the "
        "server will not pass the mail on. The connector is matched by the client certificate first, then "
        "by the public address.",
        (
            "With option direct-send: name recipients inside the organisation only; it cannot reach others.",
            "With option smtp-relay by address: compare the connector's address with the site's public "
            "address now. A dynamic or shared address will not do.",
            "By certificate: it must be signed by a public authority, its name in an accepted domain, and "
            "the board must send the whole chain of intermediate certificates.",
            "See that the connector is enabled and of type OnPremises.",
        ),
        (
            "Get-InboundConnector | Format-List Name, Enabled, ConnectorType, SenderIPAddresses, "
            "TlsSenderCertificateName",
            "Set-InboundConnector -Identity <connector> -SenderIPAddresses <public address>",
        ),
        (CONNECTORS, THREE_WAYS),
    ),
    "wrong-region": LongForm(
        "ATTR35: the mail came to servers of Microsoft 365 that do not hold this organisation: the host is "
        "an old name, an IP address, or another organisation's MX name.",
        (
            "In the Microsoft 365 admin center, Settings, Domains, the domain, DNS records, read the MX "
            "name.",
            "Set host to it. It looks like contoso-com.mail.protection.outlook.com.",
            "Take connect_to out, if it names an IP address.",
        ),
        (),
        (WRONG_REGION, THREE_WAYS),
    ),
    "unable-to-relay": LongForm(
        "ATTR14: the server could not match the connection to an organisation: the host is not the "
        "organisation's MX name, or it is an IP address.",
        (
            "In the Microsoft 365 admin center, Settings, Domains, the domain, DNS records, read the MX "
            "name.",
            "Set host to it. It looks like contoso-com.mail.protection.outlook.com.",
            "Take connect_to out, if it names an IP address.",
        ),
        (),
        (WRONG_REGION, THREE_WAYS),
    ),
    "address-banned": LongForm(
        "Microsoft has banned the public address that the board sends from (5.7.606 to 5.7.649), for spam "
        "that came from it: from another device of the site, or from its user before.",
        (
            "Look for an infected machine at the site.",
            "Ask for removal at https://sender.office.com; it takes up to a day.",
            "Or use option client-submission: it does not depend on the address.",
        ),
        (),
        ("https://sender.office.com/", REFUSALS),
    ),
    "address-blocklisted": LongForm(
        "The site's public address is on a blocklist. Providers list their home and mobile addresses on "
        "purpose, as no mail server should be there; that is no fault of the site.",
        (
            "Use option client-submission: it does not depend on the address.",
            "With a static address of your own, ask the list named in the reply for removal, and the "
            "provider for a reverse DNS name.",
        ),
        (),
        ("https://check.spamhaus.org/", THREE_WAYS),
    ),
    "server-busy": LongForm(
        "The endpoint slows down an address that sends more than it is used to, or has little reputation. It "
        "ends by itself; mailmote keeps the alert and waits longer each time.",
        (
            "Nothing, if it happens now and then.",
            "If it lasts, add the address to the From domain's SPF record, or use option client-submission.",
        ),
        (),
        (REFUSALS,),
    ),
    "rate-limited": LongForm(
        "Microsoft limits the address for its poor reputation; it may last for hours or days. mailmote "
        "keeps the alert and waits longer each time.",
        (
            "Look for an infected machine at the site.",
            *_SPF_STEPS,
            "Or use option client-submission: it does not depend on the address.",
        ),
        (),
        ("https://aka.ms/postmaster", SPF),
    ),
    "dmarc-rejected": LongForm(
        "The From domain publishes the DMARC policy reject, and the mail passed neither SPF nor DKIM for "
        "it. mailmote signs nothing itself, so SPF must pass: the domain of MAIL FROM must allow the "
        "site's address.",
        (*_SPF_STEPS, "Or use option client-submission: Microsoft then signs the mail for the domain."),
        (),
        (DMARC, SPF),
    ),
    "spf-violation": LongForm(
        "The SPF record of the From domain does not allow the site's public address to send for it.",
        _SPF_STEPS,
        (),
        (SPF, THREE_WAYS),
    ),
    "ipv6-unauthenticated": LongForm(
        "Over IPv6, Microsoft 365 takes anonymous mail only if SPF or DKIM passes. The same mail may pass "
        "over IPv4, which is why the server often says it with a 450.",
        ("Add ip6:<address> of the site to the From domain's SPF record.", _IPV4_STEP),
        (),
        (IPV6, SPF),
    ),
    "reverse-dns-missing": LongForm(
        "Over IPv6, Microsoft 365 takes anonymous mail only from an address that has a name in reverse DNS "
        "(a PTR record). Home and office addresses mostly have none.",
        ("Ask the provider for a PTR record.", _IPV4_STEP),
        (),
        (IPV6,),
    ),
    "ipv6-refused": LongForm(
        "The organisation has not asked Microsoft to take anonymous mail over IPv6, so it is refused "
        "whatever it says.",
        (_IPV4_STEP, "Or ask Microsoft support to turn anonymous inbound IPv6 on for the organisation."),
        (),
        (IPV6,),
    ),
    "no-from-header": LongForm(
        "Exchange Online wants a From header with a valid address in every message (RFC 5322 section "
        "3.6.2). mailmote writes one from the settings, so either from is not what it should be, or "
        "something in between took the header away.",
        ("Run `mailmote check mote.toml` and look at from.", "Update the firmware."),
        (),
        (RFC + "rfc5322.html#section-3.6.2",),
    ),
    "bad-helo": LongForm(
        "The name in EHLO is one that Microsoft does not accept. mailmote makes it from the device's name "
        "and the From domain.",
        (
            "Give the device a name of letters, digits and hyphens.",
            "Use a from address in a domain that exists and is yours.",
        ),
        (),
        (REFUSALS,),
    ),
    "connector-blocked": LongForm(
        "Microsoft has restricted the inbound connector, since spam came through it: a machine at the "
        "site, or whoever else has the address or certificate.",
        (
            "Find and stop what sent it.",
            "Unblock the connector in the Defender portal, Restricted entities, or by the command.",
        ),
        ("Get-BlockedConnector", "Remove-BlockedConnector -ConnectorId <id>"),
        ("https://security.microsoft.com/restrictedentities", CONNECTORS),
    ),
    "unknown-recipient": LongForm(
        "The server knows no such address. Exchange Online says `5.4.1 Recipient address rejected: Access "
        "denied` when the organisation of the host has no such recipient, and also when the recipient's "
        "domain is not one of that organisation at all. mailmote gives up on this recipient for this alert "
        "and tells it in the next mail; the others get theirs.",
        (
            "Correct the address in to, in [mail] or in the alarm.",
            "If the mailbox is new, wait some minutes.",
            "With direct send: see that host is the MX name of the recipient's own organisation.",
        ),
        ("Get-Recipient <address>", "Get-AcceptedDomain"),
        (REFUSALS, THREE_WAYS),
    ),
}
