"""The API against its own description: whatever is sent, nothing is a 500 and every answer is as described."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from andgate.plan import parse_plan
from andgate.wire.messages import FeedSignal
from hub.web.app import create_app
from tests.hub_web.stand import FLIGHT, Stand

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of a module that Apprise loads

OPERATIONS = [
    ("GET", "/moments"),
    ("GET", "/moments/{moment}"),
    *((method, f"/moments/{{moment}}/{act}") for act in ("claim", "void") for method in ("POST", "DELETE")),
    *(("POST", f"/moments/{{moment}}/{act}") for act in ("hand-over", "reset", "cause", "remedy")),
    ("GET", "/causes"),
    ("GET", "/remedies"),
    ("GET", "/people"),
    ("POST", "/people"),
    *((method, "/people/{person}") for method in ("GET", "PUT", "DELETE")),
    ("POST", "/people/{person}/test"),
    ("GET", "/roster"),
    ("POST", "/roster/duties"),
    ("DELETE", "/roster/duties/{duty}"),
    ("POST", "/roster/stand-ins"),
    ("DELETE", "/roster/stand-ins/{stand_in}"),
    ("POST", "/signals"),
    ("GET", "/success"),
    ("GET", "/interactions/{interaction}/outcomes"),
    ("GET", "/touchpoints"),
    ("GET", "/nodes"),
    ("GET", "/feeds"),
    ("GET", "/pages"),
    ("POST", "/pages/{page}/claim"),
    ("GET", "/callers/{number}"),
    ("DELETE", "/callers/{number}"),
    ("POST", "/drills"),
    ("GET", "/drills"),
    ("GET", "/drills/{drill}"),
    ("GET", "/clock"),
    ("GET", "/audit"),
    ("GET", "/mutes"),
    ("POST", "/mutes"),
    ("DELETE", "/mutes/{mute}"),
    ("GET", "/trainings"),
    ("POST", "/trainings"),
    ("DELETE", "/trainings/{training}"),
    ("GET", "/suspensions"),
    ("GET", "/baseline"),
]
WITHOUT_WORDS = {
    "/moments/{moment}",
    "/touchpoints",
    "/nodes",
    "/feeds",
    "/clock",
    "/audit",
    "/trainings",
    "/mutes/{mute}",
    "/trainings/{training}",
    "GET /people",
    "GET /people/{person}",
    "DELETE /people/{person}",
}
"""They take nothing that could be wrong."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


class Api:
    def __init__(self, described: Any, moment: str) -> None:
        self.described = described
        self.moment = moment


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, airport_toml: str) -> Iterator[Api]:
    stand = Stand(Path(tmp_path_factory.mktemp("hub")), parse_plan(airport_toml))
    app = create_app(stand.driver, stand.reader, stand.clock, host="0.0.0.0")
    app.state.people, app.state.try_channel = stand.driver.people, stand.driver.try_channel
    seed = [
        FeedSignal(id="s1", touchpoint="belt-3", signal="docked", key=FLIGHT),
        FeedSignal(id="s2", touchpoint="counter-a", signal="pressed"),
    ]
    stand.driver.signals(seed, "test").result()
    described = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)
    yield Api(described, stand.driver.open_moments()[0].id)
    stand.close()


def test_every_operation_is_tried(api: Api) -> None:
    found = [(each.ok().method.upper(), each.ok().path) for each in api.described.get_all_operations()]
    assert sorted(found) == sorted((method, f"/api/v1{path}") for method, path in OPERATIONS)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_nothing_breaks_it(api: Api, method: str, path: str, mode: GenerationMode) -> None:
    operation = api.described[f"/api/v1{path}"][method]
    if mode is GenerationMode.NEGATIVE and WITHOUT_WORDS & {path, f"{method} {path}"}:
        return

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: Case[Any]) -> None:
        if case.path_parameters.get("moment") and len(case.path_parameters["moment"]) % 2:
            case.path_parameters["moment"] = api.moment  # every other time one that is there
        case.call_and_validate(checks=CHECKS)

    check()
