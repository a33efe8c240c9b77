"""`interlock new`: what it makes passes every check untouched; what it will not make, it explains."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from interlock.contracts.strict_json import parse
from interlock.estate.loader import load
from interlock.estate.template import KINDS, TEMPLATES, of_kind

from .conftest import Shop

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "src/interlock/estate/templates"
PLACED = ("--on", "orders.OrderPlaced")
# What each template is made of here, and the warnings that its own `waits` announces.
MADE: dict[tuple[str, str], tuple[tuple[str, ...], list[tuple[str, str]]]] = {
    ("event", "versioned"): (("returns.ParcelReturned",), []),
    ("api", "rest"): (("parcels",), [("warning", "API_UNHANDLED")] * 2),
    ("webhook", "inbound"): (("carrier/parcel_moved",), []),
    ("webhook", "outbound"): (("a-subscriber-with-a-rather-long-name-for-a-company", *PLACED), []),
    ("flow", "on-event"): (("count-orders", *PLACED), []),
    ("flow", "nightly-sync"): (("catalogue-of-the-largest-of-all-our-suppliers",), []),
    ("flow", "upsert-contacts"): (("contacts",), []),
    ("flow", "reconcile-payouts"): (("payouts",), []),
}


def words(key: tuple[str, str]) -> tuple[str, ...]:
    kind, template = key
    chosen = ("--template", template) if len(of_kind(kind)) > 1 else ()  # type: ignore[arg-type]
    return (kind, *MADE[key][0], *chosen)


def test_every_template_is_made_here_and_has_files() -> None:
    assert {(one.kind, one.id) for one in TEMPLATES if one.kind != "estate"} == set(MADE)
    assert {(one.kind, one.id) for one in TEMPLATES} == {
        (folder.parent.name, folder.name) for folder in SOURCES.glob("*/*")
    }


@pytest.mark.parametrize("key", MADE, ids="-".join)
def test_it_passes_every_check_untouched(shop: Shop, key: tuple[str, str]) -> None:
    made = shop.new(*words(key))
    assert all((shop.root / path).is_file() for path in made["written"])
    assert shop.check() == MADE[key][1]
    assert shop.run("lint", "--strict", str(shop.root))[0] == 0
    assert bool(made["waits"]) is (key in {("api", "rest"), ("webhook", "inbound")})
    assert shop.run("generate", str(shop.root))[1].startswith("up to date")


@pytest.mark.parametrize("key", MADE, ids="-".join)
def test_it_is_written_as_formatters_and_linters_want_it(shop: Shop, key: tuple[str, str]) -> None:
    made = shop.new(*words(key))
    files = [path for path in made["written"] if path.startswith("flows/")]
    if not files:
        assert key[0] in ("event", "webhook")
        return
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "--config", str(ROOT / "pyproject.toml"), *files],
            cwd=shop.root, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


def test_all_of_them_together_and_again_under_other_names(shop: Shop) -> None:
    for key in MADE:
        shop.new(*words(key))
    for key in MADE:
        if key[0] == "flow":
            shop.new("flow", f"second-{MADE[key][0][0]}", *MADE[key][0][1:], "--template", key[1])
    assert [found for found in shop.check() if found[0] == "error"] == []
    load(shop.root)


def test_every_example_keeps_its_contract(shop: Shop) -> None:
    for key in MADE:
        shop.new(*words(key))
    contracts = load(shop.root).latest
    examples = sorted(shop.root.glob("examples/*.json"))
    assert len(examples) == 5
    for example in examples:
        event = parse(example.read_bytes(), 64)
        contracts[event["type"]].check(event["data"])


def test_an_estate_is_what_init_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shop: Shop) -> None:
    monkeypatch.chdir(tmp_path)
    assert shop.run("new", "estate", "second")[:2] == (
        0,
        "created second/: 1 event, 1 flow, 1 SLO, 1 runbook. Next: interlock dev\n",
    )
    assert (tmp_path / "second/interlock.toml").read_text() == (shop.root / "interlock.toml").read_text().replace(
        "shop", "second"
    )
    assert shop.run("new", "estate", "second")[0] == 1


def test_what_was_made_has_a_next_version(shop: Shop) -> None:
    shop.new("event", "returns.ParcelReturned")
    assert shop.run("new", "version", "returns.ParcelReturned", "--estate", str(shop.root))[0] == 0
    assert shop.check() == []


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        (("event", "orders.CancelOrder"), 2, "CancelOrder is a command: it asks for something."),
        (("event", "orders.CancelOrder"), 2, "or make the command an API operation under contracts/apis."),
        (("event", "orders.Order"), 2, "Order is no participle."),
        (("event", "OrderCancelled"), 2, "Give domain and fact: orders.OrderCancelled"),
        (("event", "Orders.OrderCancelled"), 2, "Orders is no domain."),
        (("event", "orders."), 2, "An empty text is no name of an event."),
        (("event", "orders.SKUCreated"), 2, "Write orders.SkuCreated"),
        (("event", "class.OrderCancelled"), 2, "class is a word of Python"),
        (("event", "../../x.OrderCancelled"), 2, "is no name of an event."),
        (("event", "orders.OrderPlaced"), 1, "interlock new version orders.OrderPlaced"),
        (("event", "orders.OrderMoved", "--owner", "team-order"), 2, "Did you mean team-orders?"),
        (("api", "Shop"), 2, "Shop is no name of an API."),
        (("webhook", "push"), 2, "github/push"),
        (("webhook", "git hub/push"), 2, "git hub is no name of a sender."),
        (("flow", "9x"), 2, "Use lower-case letters, digits and dashes"),
        (("flow", "import"), 2, "import is a word of Python"),
        (("flow", "x" * 64), 2, "is no name of a flow."),
        (("flow", "spending"), 1, "flows/spending.py"),
        (("flow", "counting", "--on", "orders.OrderPlacd"), 2, "Did you mean orders.OrderPlaced?"),
        (("flow", "syncing", "--template", "nightly-sync", *PLACED), 2, "Leave --on out."),
        (("flow", "syncing", "--template", "weekly"), 2, "reconcile-payouts"),
        (("table", "x"), 2, "invalid choice"),
    ],
)  # fmt: skip
def test_it_refuses_and_says_what_to_do(shop: Shop, asked: tuple[str, ...], code: int, said: str) -> None:
    got = shop.refused(*asked)
    assert got[0] == code
    assert said in got[1]


def test_existing_files_are_never_overwritten(shop: Shop) -> None:
    (shop.root / "runbooks/counting.md").write_text("Ours.\n")
    code, said = shop.refused("flow", "counting")
    assert (code, said) == (1, "runbooks/counting.md exists; nothing was written.\n   Choose another name.\n")


def test_a_flow_of_that_name_in_another_file_is_seen(shop: Shop) -> None:
    (shop.root / "flows/other.py").write_text(
        'from interlock import Flow\n\nx = Flow(\n    "counting", owner="team-orders"\n)\n'
    )
    assert shop.refused("flow", "counting") == (
        1,
        "flows/other.py has a flow named counting.\n   Choose another name.\n",
    )


def test_a_disk_that_fails_in_the_middle_leaves_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "open", _failing(Path.open))
    code, said = shop.refused("flow", "counting")
    assert (code, "runbooks/counting.md" in said) == (1, True)


def _failing(real):  # type: ignore[no-untyped-def]
    def opened(path: Path, *rest: object, **named: object) -> object:
        if path.name == "counting.md":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *rest, **named)

    return opened


def test_owners(shop: Shop) -> None:
    owners = shop.root / "owners.toml"
    owners.write_text(owners.read_text() + '\n[team-returns]\ncontact = "mailto:returns@example.com"\n')
    code, said = shop.refused("event", "returns.ParcelReturned")
    assert (code, said) == (2, "owners.toml has 2 owners.\n   Say which with --owner: team-orders, team-returns\n")
    made = shop.new("event", "returns.ParcelReturned", "--owner", "team-returns")
    assert json.loads((shop.root / made["written"][0]).read_text())["x-interlock"]["owner"] == "team-returns"
    owners.write_text("")
    assert shop.refused("event", "returns.ParcelLost")[0] == 2


def test_a_flow_waits_for_the_only_event_unless_told(shop: Shop) -> None:
    assert "flows/counting.py" in shop.new("flow", "counting")["written"]
    shop.new("event", "returns.ParcelReturned")
    code, said = shop.refused("flow", "counting-more")
    assert (code, "Say which with --on: orders.OrderPlaced, returns.ParcelReturned" in said) == (2, True)


def test_a_domain_with_mistakes_keeps_its_classes(shop: Shop) -> None:
    contract = shop.root / "contracts/events/orders/order_placed/1.0.0.json"
    contract.write_text(contract.read_text().replace('"type": "object",\n', '"type": "objekt",\n', 1))
    before = (shop.root / "contracts/orders.py").read_bytes()
    made = shop.new("event", "orders.OrderMoved")
    assert made["stale"] == ["contracts/orders.py"]
    assert (shop.root / "contracts/orders.py").read_bytes() == before
    shop.new("event", "returns.ParcelReturned")  # another domain is made whole
    assert (shop.root / "contracts/returns.py").is_file()


def test_outside_an_estate(tmp_path: Path, shop: Shop) -> None:
    for kind in KINDS[:4]:
        code, out, err = shop.run("new", kind, "a.OrderMoved", "--estate", str(tmp_path))
        assert (code, out) == (2, "")
        assert "interlock init" in err


def test_the_wheel_carries_every_template(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    packed = {name.removeprefix("interlock/estate/templates/") for name in zipfile.ZipFile(wheel).namelist()}
    wanted = {path.relative_to(SOURCES).as_posix() for path in SOURCES.rglob("*.template")}
    assert len(wanted) > 30
    assert wanted <= packed
