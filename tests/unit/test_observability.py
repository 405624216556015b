"""What Prometheus and Grafana are given: it parses, the alerts speak up when they should, every metric in it exists."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from service.database import Database
from service.metrics import Figures
from tests.support.gateways import settings_for

FOLDER = Path(__file__).parents[2] / "deploy" / "observability"
METRIC = re.compile(r"\bveragate_[a-z_]+")


@pytest.fixture(name="exported")
def _exported(tmp_path: Path, sqlite_url: str) -> set[str]:
    """The names of all series that the gateway can have."""
    settings = settings_for(tmp_path, database_url=sqlite_url)
    database = Database(sqlite_url)
    families = list(Figures(lambda: settings, database).collect())
    database.close()
    suffixes = {"counter": ("_total",), "summary": ("_sum", "_count"), "info": ("_info",)}
    return {family.name + suffix for family in families for suffix in suffixes.get(family.type, ("",))}


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], cwd=FOLDER, capture_output=True, text=True, check=False)


@pytest.mark.needs("promtool")
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "--syntax-only", "prometheus.yml"),
        ("check", "rules", "alerts.yml"),
        ("test", "rules", "alerts.test.yml"),
    ],
    ids=" ".join,
)
def test_prometheus_accepts_what_it_is_given(arguments: tuple[str, ...]) -> None:
    """Prometheus' own tool finds configuration and rules right, and each alert as its test says."""
    done = promtool(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_test_in_which_it_speaks_up() -> None:
    """No alert is there of which nobody has seen that it can fire."""
    alerts = set(re.findall(r"- alert: (\w+)", (FOLDER / "alerts.yml").read_text()))
    tested = re.findall(r"alertname: (\w+)\n +exp_alerts:\n", (FOLDER / "alerts.test.yml").read_text())
    assert alerts == set(tested)


@pytest.mark.parametrize("name", ["alerts.yml", "alerts.test.yml", "dashboard.json"])
def test_every_metric_exists(name: str, exported: set[str]) -> None:
    """Rules and dashboard ask only for what the gateway exports."""
    assert set(METRIC.findall((FOLDER / name).read_text())) <= exported


def test_the_dashboard_leaves_out_no_metric(exported: set[str]) -> None:
    """Whatever is exported can be seen."""
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    asked = {name for panel in panels for target in panel["targets"] for name in METRIC.findall(target["expr"])}
    assert exported <= asked


def test_the_dashboards_panels_do_not_overlap() -> None:
    """Each panel has its own id and its own place on the grid of 24 columns."""
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in panels}) == len(panels)
