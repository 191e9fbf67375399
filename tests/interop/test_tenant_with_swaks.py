"""swaks, which administrators use to try a tenant, is served by ours."""

import shutil
import subprocess

import pytest
from tenant_client import MOTE, OPS, OUTSIDE, PASSWORD, contoso

from mailmote_host.tenant import Connector, serve

pytestmark = pytest.mark.skipif(
    shutil.which("swaks") is None, reason="swaks is not installed: apt-get install swaks libnet-ssleay-perl"
)


def swaks(address, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["swaks", "--server", f"{address.host}:{address.port}", "--from", MOTE, *options],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_client_submission(tmp_path):
    with serve(contoso(), patience_s=0.001) as service:
        (tmp_path / "ca.pem").write_text(service.ca_pem)
        trust = ["--tls", "--tls-verify", "--tls-ca-path", str(tmp_path / "ca.pem")]
        done = swaks(service.submission, "--to", OUTSIDE, *trust, "-a", "LOGIN", "-au", MOTE, "-ap", PASSWORD)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "250 2.0.0 OK <" in done.stdout
        assert service.messages[0].auth == ("LOGIN", MOTE)


def test_direct_send_in_one_flight():
    with serve(contoso()) as service:
        done = swaks(service.mx, "--to", OPS, "--pipeline")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Queued mail for delivery" in done.stdout
        assert service.messages[0].round_trips == 4


def test_relay_through_a_connector_and_without():
    with serve(contoso(), patience_s=0.001) as service:
        assert (
            "550 5.7.64 TenantAttribution; Relay Access Denied" in swaks(service.mx, "--to", OUTSIDE).stdout
        )
        service.tenant.connectors.append(Connector(networks=("127.0.0.1",)))
        assert swaks(service.mx, "--to", OUTSIDE).returncode == 0
        assert service.messages[0].recipients == [OUTSIDE]


def test_a_wrong_password_is_told():
    with serve(contoso()) as service:
        done = swaks(service.submission, "--to", OPS, "--tls", "-a", "LOGIN", "-au", MOTE, "-ap", "wrong")
        assert done.returncode == 28  # swaks: AUTH failed
        assert "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect." in done.stdout
