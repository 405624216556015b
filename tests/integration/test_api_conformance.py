"""The REST API against its own description: whatever is sent, it answers as it says, and never with a 500."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import cycle

import pytest
import schemathesis
from fastapi.routing import iter_route_contexts
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.schemas import OpenApiSchema

from service.audit import Action, record
from service.console import create_app
from service.console.access import Person
from service.console.api.documentation import describe
from service.console.api.routes import router as api_router
from service.rights import Right, Role
from service.states import Cause, PhotographState
from service.tables import Photograph, utc_now
from tests.support.catalogued import photograph_row
from tests.support.gateways import open_gateway, settings_for
from tests.support.people import an_account

EXAMPLES = 8  # for each operation
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module", name="api")
def _api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenApiSchema]:
    """The API of a gateway with a few photographs, asked by a program that may do everything."""
    console = {"public_url": "http://testserver"}  # what the schema's client calls it
    gateway = open_gateway(settings_for(tmp_path_factory.mktemp("gateway") / "data", console=console))
    with gateway.database.transaction() as session:
        session.add_all(_photograph(number, state) for number, state in enumerate(PhotographState))
        for number in range(5):
            record(session, Action.DELIVERY_SENT, actor="sender", photograph_id=f"{number:032x}")
    account_id = an_account(gateway.database, "robot", Role.ADMIN)
    everything = Person(account_id, "robot", Role.ADMIN, frozenset(Right), "", token_id="t")
    app = create_app(gateway, identify=lambda request: everything)
    app.state.console.throttle.request = lambda address: None  # a thousand requests from one address are meant here
    yield schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)
    gateway.close()


def _photograph(number: int, state: PhotographState) -> Photograph:
    return photograph_row(
        id=f"{number:032x}",
        state=state,
        cause=Cause.NO_FACE_FOUND if state == PhotographState.QUARANTINED else None,
        study_instance_uid="1.2.3",
        study_alias="2.25.3",
        blob=f"aa/bb/{number}.dcm",
        received_at=utc_now() - timedelta(minutes=number),
    )


def operations() -> list[tuple[str, str]]:
    described = describe([*iter_route_contexts(api_router.routes)])
    return [(path, method) for path, item in described["paths"].items() for method in item]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
@pytest.mark.parametrize(("path", "method"), operations())
def test_the_api_answers_as_it_says(api: OpenApiSchema, path: str, method: str, mode: GenerationMode) -> None:
    """Requests that fit the description and requests that do not: no 500, and each answer is a described one."""

    known = cycle(f"{number:032x}" for number in range(len(PhotographState)))

    @seed(0)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=api[path][method].as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        if mode is GenerationMode.POSITIVE and case.path_parameters and "photograph_id" in case.path_parameters:
            case.path_parameters["photograph_id"] = next(known)  # chance alone finds none
        case.call_and_validate(checks=CHECKS)

    ask()
