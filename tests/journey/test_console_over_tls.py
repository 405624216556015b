"""The console as a process: the link of the first start, TLS by certificate files, mistakes in one sentence."""

import re
import socket
import ssl
from pathlib import Path

import httpx
import pytest

from service.schema import migrate
from service.settings import Settings
from tests.support.certificates import Authority
from tests.support.console import form_token
from tests.support.gateways import free_port, settings_for, wait_for
from tests.support.processes import Running, veragate, write_configuration

pytestmark = pytest.mark.journey
PASSWORD = "seven plain brackets"
LINK = re.compile(r"https://\S+/set-up\S+")


def console_settings(folder: Path, **console: object) -> Settings:
    settings = settings_for(folder / "data", console={"enabled": True, "port": free_port()} | console)
    migrate(settings.url)
    return settings


def test_the_first_start_over_tls(tmp_path: Path) -> None:
    """While nobody can sign in the console prints a link; over TLS it leads to an account under a __Host- cookie."""
    authority = Authority(tmp_path / "certificates")
    pair = authority.issue("console", "localhost", "127.0.0.1")
    settings = console_settings(tmp_path, certificate=str(pair.certificate), certificate_key=str(pair.key))
    with Running(settings, tmp_path / "run", "console") as console:
        wait_for(lambda: console.check() or LINK.search(console.log.read_text()))
        [link] = LINK.findall(console.log.read_text())
        trusted = ssl.create_default_context(cafile=str(authority.certificate))
        with httpx.Client(verify=trusted) as browser:
            page = browser.get(link)
            assert page.headers["strict-transport-security"]
            fields = {"csrf": form_token(page.text), "link": link.split("link=")[1], "name": "anna"}
            made = browser.post(link.partition("?")[0], data=fields | {"new": PASSWORD, "again": PASSWORD})
            assert made.headers["location"] == "/"
            assert {"__Host-veragate", "__Host-veragate-visit"} == set(browser.cookies)
            assert browser.get(link.partition("/set-up")[0] + "/you").status_code == 200
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://127.0.0.1:{settings.console.port}/sign-in", timeout=5)
        console.stop()
        console.start()
        wait_for(lambda: _listens(settings.console.port))
        assert LINK.findall(console.log.read_text()) == [link], "there is an account: no new link"


@pytest.mark.parametrize("mistake", ["a port in use", "no certificate"])
def test_a_console_that_cannot_start_says_why(tmp_path: Path, mistake: str) -> None:
    """A port in use or a certificate that is not there ends in one sentence, and nothing is served."""
    absent = {"certificate": str(tmp_path / "absent.pem"), "certificate_key": str(tmp_path / "absent.key")}
    settings = console_settings(tmp_path, **(absent if mistake == "no certificate" else {}))
    with socket.socket() as taken:
        if mistake == "a port in use":
            taken.bind(("127.0.0.1", settings.console.port))
            taken.listen()
        ended = veragate("console", config=write_configuration(settings, tmp_path / "veragate.toml"))
    assert ended.returncode == 78
    assert "Traceback" not in ended.stderr
    assert ended.stderr.strip().splitlines()[-1].startswith("The console cannot use")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
