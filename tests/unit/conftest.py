import pytest


@pytest.fixture
def short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rounds of choosing an identity instead of eight, for tests that are about something else.

    Results are held to the same distances; what longer searches are worth is told by `veragate evaluate`.
    """
    monkeypatch.setattr("models.choosing.ROUNDS", 2)
