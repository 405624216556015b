"""The reporter as a process of the gateway: what happens here is known at the audit repository soon."""

from pathlib import Path

import pytest

from tests.support.certificates import Authority
from tests.support.gateways import settings_for, wait_for
from tests.support.processes import Running, veragate
from tests.support.rsyslog import Rsyslog

pytestmark = pytest.mark.journey


@pytest.mark.needs("rsyslog")
def test_a_gateway_reports_as_long_as_it_runs(tmp_path: Path) -> None:
    """The supervisor starts the reporter where there is a repository, and starts it again when it dies."""
    authority = Authority(tmp_path / "authority")
    ours = authority.issue("gateway")
    with Rsyslog(tmp_path / "rsyslog", authority.certificate, authority.issue("repository", "127.0.0.1")) as rsyslog:
        repository = {
            "name": "hospital",
            "host": "127.0.0.1",
            "port": rsyslog.port,
            "authority": str(authority.certificate),
            "certificate": str(ours.certificate),
            "certificate_key": str(ours.key),
        }
        settings = settings_for(tmp_path / "data", audit={"repositories": [repository]}, console={"enabled": False})

        with Running(settings, tmp_path) as gateway:
            wait_for(lambda: told(rsyslog, "listener", "110120") and told(rsyslog, "reporter", "110120"))
            killed = gateway.kill_child("report")
            wait_for(lambda: gateway.children("report") and killed not in gateway.children("report"))
            wait_for(lambda: told(rsyslog, "reporter", "110120") > 1)
            checked = veragate("check", config=gateway.config).stdout
            assert "audit repository hospital        OK" in checked.splitlines()

    texts = rsyslog.messages()
    assert any("VERAGATE-CHECKPOINT" in text for text in texts)


def test_without_a_repository_there_is_nothing_to_report_to(tmp_path: Path) -> None:
    """The role alone says in one sentence what is missing; a gateway without repositories has no such child."""
    settings = settings_for(tmp_path / "data")
    done = veragate("report", config=Running(settings, tmp_path).config)

    assert done.returncode != 0
    assert "There is nobody to report to" in done.stderr
    assert "Traceback" not in done.stderr


def told(rsyslog: Rsyslog, process: str, code: str) -> int:
    """How many messages say this of the process."""
    return sum(f'UserName="{process}"' in text and f'"{code}"' in text for text in rsyslog.messages())
