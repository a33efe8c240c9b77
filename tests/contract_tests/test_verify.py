"""`interlock verify` and `can-i-deploy`, as a user runs them; Pact files are genuine (see make_files.py)."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from interlock.cli.main import main
from tests.mock.running import mocking

from .shop_contract import EXAMPLE, JSON, contract

FILES = Path(__file__).parent / "files"
COMMERCE = Path(__file__).parents[2] / "estates" / "commerce"
VERSIONS = pytest.mark.parametrize("version", ["v3", "v4"])

Answering = Callable[[str, str], tuple[int, Any]]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return write(tmp_path, contract())


def write(folder: Path, document: Any, name: str = "shop.json") -> Path:
    (folder / name).write_text(json.dumps(document, indent=1))
    return folder / name


def verify(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, Any]:
    code = main(["verify", *map(str, arguments), "--json"])
    return code, json.loads(capsys.readouterr().out)


def pact_of(version: str) -> Path:
    return FILES / f"storefront-shop-{version}.json"


@VERSIONS
def test_a_genuine_pact_holds_against_the_contract(shop: Path, version: str, capsys: Any) -> None:
    code, said = verify(capsys, shop, "--pact", pact_of(version))
    assert (code, said["verified"]) == (0, True)
    assert [len(one["interactions"]) for one in said["pacts"]] == [2]


def _without_path(document: Any) -> None:
    document["paths"].pop("/orders")


def _without_field(document: Any) -> None:
    document["components"]["schemas"]["Order"]["properties"].pop("total")


def _other_type(document: Any) -> None:
    document["components"]["schemas"]["Order"]["properties"]["quantity"] = {"type": "string"}


def _needs_more(document: Any) -> None:
    document["paths"]["/orders"]["post"]["requestBody"]["content"][JSON]["schema"]["required"] = ["sku", "customer"]


def _needs_header(document: Any) -> None:
    parameter = {"name": "X-Tenant", "in": "header", "required": True, "schema": {"type": "string"}}
    document["paths"]["/orders"]["post"]["parameters"] = [parameter]


def _needs_key(document: Any) -> None:
    document["components"]["securitySchemes"] = {"k": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"k": []}]


def _other_status(document: Any) -> None:
    answers = document["paths"]["/orders"]["post"]["responses"]
    answers["202"] = answers.pop("201")


def _without_parameter(document: Any) -> None:
    document["paths"]["/orders/{id}"]["get"]["parameters"].pop()


def _other_media(document: Any) -> None:
    answer = document["paths"]["/orders"]["post"]["responses"]["201"]
    answer["content"] = {"text/csv": {"schema": {"type": "string"}}}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_without_path, "request: POST /orders: the contract declares no such path"),
        (_without_field, "response/body/total: the contract declares no such field"),
        (_other_type, "response/body/quantity: 2 is no value that the contract allows"),
        (_needs_more, "request/body/customer: is required and missing"),
        (_needs_header, "request/header/X-Tenant: is required and missing"),
        (_needs_key, "request: the contract asks for a credential, and none is sent"),
        (_other_status, "response/status: 201 is not declared; declared are 202"),
        (_without_parameter, "request/query/expand: the contract declares no such parameter"),
        (_other_media, "response/body: application/json is not declared; declared is text/csv"),
    ],
)
def test_what_the_contract_does_not_promise_is_named(change: Any, said: str, tmp_path: Path, capsys: Any) -> None:
    document = contract()
    change(document)
    for version in ("v3", "v4"):
        code, found = verify(capsys, write(tmp_path, document), "--pact", pact_of(version))
        assert code == 1
        assert said in [reason for one in found["pacts"][0]["interactions"] for reason in one["reasons"]]


def test_what_may_be_absent_or_null_is_a_doubt_and_fails_when_strict(tmp_path: Path, capsys: Any) -> None:
    document = contract()
    order = document["components"]["schemas"]["Order"]
    order["required"] = ["id", "total", "quantity", "lines"]
    order["properties"]["quantity"] = {"type": ["integer", "null"]}
    file = write(tmp_path, document)
    code, said = verify(capsys, file, "--pact", pact_of("v4"))
    doubts = {doubt for one in said["pacts"][0]["interactions"] for doubt in one["doubts"]}
    assert (code, doubts) == (0, {"response/body/placed_at: may be absent", "response/body/quantity: may be null"})
    assert verify(capsys, file, "--pact", pact_of("v4"), "--strict")[0] == 1


@VERSIONS
def test_messages_hold_against_event_contracts(version: str, capsys: Any, tmp_path: Path) -> None:
    pact = FILES / f"ledger-orders-{version}.json"
    assert verify(capsys, COMMERCE, "--pact", pact)[0] == 0
    text = pact.read_text().replace('"order_id"', '"order_number"').replace("$.order_id", "$.order_number")
    (tmp_path / "changed.json").write_text(text)
    code, said = verify(capsys, COMMERCE, "--pact", tmp_path / "changed.json")
    assert (code, said["pacts"][0]["interactions"][0]["reasons"]) == (
        1,
        ["/order_number: the contract declares no such field"],
    )


class Provider:
    """A provider that runs, with states and messages."""

    def __init__(self, answering: Answering) -> None:
        self.states: list[Any] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length") or 0))
                if self.path == "/states":
                    outer.states.append(json.loads(raw))
                    status, body = 200, {}
                else:
                    status, body = answering(self.command, self.path)
                made = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json; charset=utf-8")
                self.send_header("content-length", str(len(made)))
                self.end_headers()
                self.wfile.write(made)

            do_GET = do_POST = answer

            def log_message(self, *parts: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def provider() -> Iterator[Callable[[Answering], Provider]]:
    opened: list[Provider] = []

    def start(answering: Answering) -> Provider:
        one = Provider(answering)
        threading.Thread(target=one.server.serve_forever, daemon=True).start()
        opened.append(one)
        return one

    yield start
    for one in opened:
        one.server.shutdown()
        one.server.server_close()


def good(method: str, path: str) -> tuple[int, Any]:
    return (201 if method == "POST" else 200), EXAMPLE


@VERSIONS
def test_a_running_provider_is_verified_with_its_states(version: str, shop: Path, provider: Any, capsys: Any) -> None:
    running = provider(good)
    arguments = (shop, "--pact", pact_of(version), "--provider", running.url)
    code, said = verify(capsys, *arguments, "--provider-state-url", f"{running.url}/states")
    assert (code, said["pacts"][0]["against"]) == (0, "running"), said
    assert [(one["state"], one["action"]) for one in running.states] == [
        ("order ORD-1 exists", "setup"),
        ("order ORD-1 exists", "teardown"),
    ]
    code, said = verify(capsys, *arguments)
    assert code == 1
    assert "needs the state" in str(said)
    assert verify(capsys, *arguments, "--allow-unverified")[0] == 0


@pytest.mark.parametrize(
    ("answering", "said"),
    [
        (lambda method, path: (500, EXAMPLE), "the status is 500, expected is 200"),
        (lambda method, path: (good(method, path)[0], {**EXAMPLE, "total": "7.5"}), "body/total: is '7.5', expected"),
        (lambda method, path: (good(method, path)[0], {**EXAMPLE, "lines": []}), "body/lines: has 0 entries"),
        (lambda method, path: (good(method, path)[0], {**EXAMPLE, "new": 1}), "breaks the contract: body/new"),
        (lambda method, path: (good(method, path)[0], []), "expected is"),
    ],
)
def test_a_provider_that_differs_is_told(
    answering: Answering, said: str, shop: Path, provider: Any, capsys: Any
) -> None:
    running = provider(answering)
    arguments = (
        shop,
        "--pact",
        pact_of("v4"),
        "--provider",
        running.url,
        "--provider-state-url",
        f"{running.url}/states",
    )
    code, found = verify(capsys, *arguments)
    assert code == 1
    assert said in str(found)


def test_a_provider_that_is_away_is_told(shop: Path, capsys: Any) -> None:
    code, said = verify(capsys, shop, "--provider", "http://127.0.0.1:9")
    assert code == 1
    assert "the provider gave no answer: connect" in str(said)


def test_messages_are_asked_for(provider: Any, capsys: Any) -> None:
    running = provider(lambda method, path: (200, {"order_id": "1", "total": "1.00"}))
    arguments = (COMMERCE, "--pact", FILES / "ledger-orders-v4.json", "--provider", running.url)
    states = ("--provider-state-url", f"{running.url}/states")
    assert verify(capsys, *arguments, *states, "--message-url", f"{running.url}/messages")[0] == 0
    assert verify(capsys, *arguments, *states)[0] == 1


def test_examples_of_contracts_are_held_to_their_schemas(shop: Path, tmp_path: Path, capsys: Any) -> None:
    code, said = verify(capsys, shop)
    assert (code, len(said["examples"])) == (0, 2)
    document = contract()
    document["paths"]["/orders/{id}"]["get"]["responses"]["200"]["content"][JSON]["example"]["quantity"] = "many"
    assert main(["verify", str(write(tmp_path, document, "broken.json"))]) == 1
    said = capsys.readouterr().out
    assert "broken.json:" in said
    assert "/quantity" in said
    assert main(["verify", str(COMMERCE)]) == 0


def test_a_mock_keeps_the_contract_that_it_mocks(shop: Path, capsys: Any) -> None:
    with mocking(shop) as url:
        code, said = verify(capsys, shop, "--provider", url, "--unsafe")
    replays = [one for one in said["examples"] if " /" in one["place"]]
    assert (code, len(replays)) == (0, 2), said


def test_nothing_is_changed_at_a_provider_unless_asked_for(shop: Path, provider: Any, capsys: Any) -> None:
    sent: list[str] = []

    def answering(method: str, path: str) -> tuple[int, Any]:
        sent.append(method)
        return good(method, path)

    running = provider(answering)
    verify(capsys, shop, "--provider", running.url)
    assert sent == ["GET"]
    verify(capsys, shop, "--provider", running.url, "--unsafe")
    assert sorted(sent) == ["GET", "GET", "POST"]


@pytest.mark.parametrize(
    ("interaction", "said"),
    [
        ({"type": "Synchronous/Messages", "description": "s"}, "synchronous messages are not verified"),
        (
            {
                "type": "Synchronous/HTTP",
                "description": "x",
                "request": {"method": "GET", "path": "/"},
                "response": {"status": 200, "body": {"content": "<a/>", "contentType": "application/xml"}},
            },
            "bodies of application/xml are not verified",
        ),
        (
            {
                "type": "Asynchronous/Messages",
                "description": "p",
                "pluginConfiguration": {"protobuf": {}},
                "contents": {},
            },
            "it needs a Pact plugin",
        ),
    ],
)
def test_what_cannot_be_verified_is_no_success(
    interaction: Any, said: str, shop: Path, tmp_path: Path, capsys: Any
) -> None:
    document = {"consumer": {"name": "c"}, "provider": {"name": "p"}, "interactions": [interaction]}
    pact = write(tmp_path, document, "pact.json")
    code, found = verify(capsys, shop, "--pact", pact)
    assert code == 1
    assert f"not verified: {said}" in str(found)
    assert verify(capsys, shop, "--pact", pact, "--allow-unverified")[0] == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "pact.json:1"),
        ('{"consumer": {"name": "c"}}', "names no provider"),
        ('{"consumer": {"name": "c"}, "provider": {"name": "p"},\n "interactions": []}', "expects nothing"),
        ('{"consumer": {"name": "c"}, "provider": {"name": "p"},\n "interactions": [{"request": {}}]}', "pact.json:2"),
    ],
)
def test_files_that_are_no_pacts(content: str, said: str, shop: Path, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "pact.json").write_text(content)
    assert main(["verify", str(shop), "--pact", str(tmp_path / "pact.json")]) == 2
    assert said in capsys.readouterr().err
    assert main(["verify", str(shop), "--pact", str(tmp_path / "none.json")]) == 2
    assert main(["verify", str(shop), "--pact", str(tmp_path)]) == 2


def test_can_i_deploy_without_results_says_no_in_json_too(tmp_path: Path, capsys: Any) -> None:
    words = ["can-i-deploy", str(tmp_path), "--to", "prod", "--version", "1", "--json"]
    assert main(words) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["deployable"], said["next_step"]) == (
        False,
        "Make them with: interlock verify --pact FILE --record",
    )


def test_can_i_deploy_answers_for_an_environment(shop: Path, tmp_path: Path, capsys: Any) -> None:
    data = tmp_path / "results.db"

    def can(name: str, version: str, *more: str) -> tuple[int, Any]:
        words = ["can-i-deploy", "--to", "prod", "--participant", name, "--version", version, "--data", str(data)]
        code = main([*words, "--json", *more])
        out = capsys.readouterr().out
        return code, json.loads(out) if out else {}

    def verified(consumer: str, provider: str, contract_file: Path = shop) -> int:
        words = [contract_file, "--pact", pact_of("v4"), "--record", "--data", data]
        return verify(capsys, *words, "--consumer-version", consumer, "--provider-version", provider)[0]

    assert can("shop", "s1")[0] == 1
    assert verified("c1", "s1") == 0
    assert can("shop", "s1")[0] == 0, "no consumer runs there yet"
    code, said = can("storefront", "c1")
    assert (code, said["participants"][0]["pairs"][0]["reasons"]) == (1, ["shop is not deployed there."])
    assert can("shop", "s1", "--record-deployed")[0] == 0
    assert can("storefront", "c1")[0] == 0
    assert can("storefront", "c1", "--record-deployed")[0] == 0
    code, said = can("shop", "s2")
    assert (code, said["participants"][0]["reasons"]) == (1, ["shop s2 was never verified; verified versions: s1."])
    changed = contract()
    _without_field(changed)
    assert verified("c1", "s2", write(tmp_path, changed, "changed.json")) == 1
    code, said = can("shop", "s2")
    pair = said["participants"][0]["pairs"][0]
    assert (code, pair["consumer"]["version"], pair["deployable"]) == (1, "c1", False)
    assert any("response/body/total" in reason for reason in pair["reasons"])
    assert verified("c2", "s2") == 0
    code, said = can("storefront", "c2")
    assert (code, said["participants"][0]["pairs"][0]["reasons"]) == (1, ["This pair of versions was never verified."])
    assert verified("c1", "s2") == 0, "the latest result counts"
    assert can("shop", "s2")[0] == 0


def test_each_pact_of_a_pair_must_hold(shop: Path, tmp_path: Path, capsys: Any) -> None:
    """A good file that comes after a bad one does not heal it."""
    data = tmp_path / "results.db"
    bad = tmp_path / "other.json"
    bad.write_text(pact_of("v3").read_text().replace("/orders", "/orderz"))
    record = ("--record", "--data", data, "--consumer-version", "c1", "--provider-version", "s1")
    assert verify(capsys, shop, "--pact", bad, "--pact", pact_of("v4"), *record)[0] == 1
    deploy = ["can-i-deploy", "--participant", "storefront", "--version", "c1", "--data", str(data), "--to", "prod"]
    at_home = ["can-i-deploy", "--participant", "shop", "--version", "s1", "--data", str(data), "--to", "prod"]
    assert main([*at_home, "--record-deployed"]) == 0
    capsys.readouterr()
    assert main(deploy) == 1
    assert "other.json: " in capsys.readouterr().out
    bad.write_text(pact_of("v3").read_text())
    assert verify(capsys, shop, "--pact", bad, *record)[0] == 0
    assert main(deploy) == 0


def test_a_consumer_that_was_never_verified_is_no_yes(shop: Path, tmp_path: Path, capsys: Any) -> None:
    data = tmp_path / "results.db"
    record = ("--record", "--data", data, "--provider-version", "s1", "--consumer-version")
    assert verify(capsys, shop, "--pact", pact_of("v4"), *record, "c1")[0] == 0

    def can(name: str, version: str, *more: str, to: str = "prod") -> int:
        words = ["--to", to, "--participant", name, "--version", version, "--data", str(data)]
        return main(["can-i-deploy", *words, *more])

    assert can("storefront", "c9", "--record-deployed") == 0
    assert can("shop", "s1") == 1
    assert "This pair of versions was never verified." in capsys.readouterr().out
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text(pact_of("v4").read_text().replace('"name": "shop"', '"name": "stock"'))
    assert verify(capsys, shop, "--pact", elsewhere, *record, "c9")[0] == 0
    assert can("shop", "s1") == 0, "c9 has a pact with stock alone"
    capsys.readouterr()
    assert can("shop", "s1", to="prdo") == 2
    assert "Nothing was ever deployed to prdo. Environments: prod." in capsys.readouterr().err
    assert can("shop", "s1", "--new-environment", to="prdo") == 0


def test_the_git_commit_is_the_version(tmp_path: Path, capsys: Any) -> None:
    shop = write(tmp_path, contract())
    pact = ["--pact", str(pact_of("v4")), "--record", "--consumer-version", "c1"]
    assert main(["verify", str(shop), *pact]) == 2
    assert "Add --provider-version" in capsys.readouterr().err
    run = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@example.com"]
    subprocess.run([*run, "init", "-q"], check=True)
    subprocess.run([*run, "add", "shop.json"], check=True)
    subprocess.run([*run, "commit", "-qm", "one"], check=True)
    assert main(["verify", str(shop), *pact]) == 0
    assert main(["can-i-deploy", str(tmp_path), "--to", "prod", "--participant", "shop"]) == 0
    assert "Nobody that it has a pact with runs there." in capsys.readouterr().out


def test_the_committed_files_are_what_the_real_library_writes(tmp_path: Path) -> None:
    if find_spec("pact_ffi") is None:
        pytest.skip("pact-python is not installed here: pip install pact-python==4.2.0")
    subprocess.run([sys.executable, str(FILES.parent / "make_files.py"), str(tmp_path)], check=True, timeout=100)
    for file in FILES.glob("*.json"):
        made, kept = (json.loads((folder / file.name).read_text()) for folder in (tmp_path, FILES))
        for document in (made, kept):
            document["metadata"].pop("pactRust", None)
        assert made == kept
