from pathlib import Path

import pytest

from service.audit import Action, record, seal
from service.database import migrate
from service.errors import ConfigurationError
from service.gateway import Gateway
from service.settings import Settings


def test_a_gateway_does_not_open_with_a_new_secret_on_an_old_database(tmp_path: Path) -> None:
    """When the master secret was lost and made anew, the start stops before known patients get new faces."""
    settings = Settings(data_folder=tmp_path)
    migrate(settings.url)
    gateway = Gateway.open(settings)
    with gateway.database.transaction() as session:
        record(session, Action.PROCESS_STARTED, actor="test")
    seal(gateway.database, gateway.keys, tmp_path / "audit.jsonl")
    gateway.close()
    Gateway.open(settings).close()
    settings.secret_file.unlink()
    with pytest.raises(ConfigurationError, match="master secret"):
        Gateway.open(settings)
