"""The generated files contracts/<api>_client.py and the runtime beside them: on request, and from then on kept fresh.

An estate that serves an API need not call it: a client that is not there is no mistake, one that is there and old is.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from interlock.contracts.api.description import ApiDescription
from interlock.contracts.client_stubs import RUNTIME, generate_client
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.document_text import DocumentText, DocumentUnreadable
from interlock.contracts.semver import SemanticVersion
from interlock.estate.findings import Findings
from interlock.estate.folder import Folder

GENERATED = b'"""Client of the API '
RUNTIME_PATH = f"contracts/{RUNTIME}.py"
_RUNTIME_SOURCE = Path(__file__).parent / "generated" / f"{RUNTIME}.py.txt"


def runtime_source() -> str:
    return _RUNTIME_SOURCE.read_text(encoding="utf-8")


def existing_clients(folder: Folder) -> list[str]:
    """Paths of the clients that were generated once."""
    return [path for path in folder.under("contracts", "_client.py") if folder.files[path].startswith(GENERATED)]


def client_sources(folder: Folder, wanted: Iterable[str] = ()) -> dict[str, str]:
    """Path and source of the clients that exist or are `wanted` (names of APIs), with the runtime if there is any.

    Raises ContractInvalid for an API that cannot be read, KeyError for one that does not exist.
    """
    newest = _newest(folder)
    paths = {client_path(name): newest[name] for name in wanted}
    known = {client_path(name): file for name, file in newest.items()}
    paths.update({path: known[path] for path in existing_clients(folder) if path in known})
    made = {path: generate_client(_api_name(file), _described(folder, file)) for path, file in sorted(paths.items())}
    return {**made, RUNTIME_PATH: runtime_source()} if made else {}


def client_path(api: str) -> str:
    return f"contracts/{api.replace('-', '_')}_client.py"


def api_names(folder: Folder) -> list[str]:
    return sorted(_newest(folder))


def check_clients(folder: Folder, findings: Findings) -> None:
    """Clients that differ from what their contract says, or have lost it."""
    existing = existing_clients(folder)
    if not existing:
        return
    try:
        wanted = client_sources(folder)
    except ContractInvalid:
        return  # the lint has said why
    for path in existing:
        if path not in wanted:
            findings.add("STALE_MODELS", path, 1, "This generated client has no contract any more.")
    for path, source in wanted.items():
        if folder.files.get(path) != source.encode():
            findings.add("STALE_MODELS", path, 1, "The generated client differs from what the contract says.")


def write_clients(folder: Folder, wanted: Iterable[str] = ()) -> list[Path]:
    """Writes what differs, takes clients without a contract away; the paths that changed. Raises as client_sources."""
    sources = client_sources(folder, wanted)
    changed = []
    for path, source in sources.items():
        if folder.files.get(path) != source.encode():
            (folder.root / path).write_text(source, encoding="utf-8", newline="\n")
            changed.append(Path(path))
    for path in existing_clients(folder):
        if path not in sources:
            (folder.root / path).unlink()
            changed.append(Path(path))
    return changed


def _newest(folder: Folder) -> dict[str, str]:
    """The file of the newest version by API."""
    found: dict[str, tuple[SemanticVersion, str]] = {}
    for path in folder.under("contracts/apis", ".json"):
        parts = path.split("/")
        try:
            version = SemanticVersion.parse(parts[-1].removesuffix(".json"))
        except ValueError:
            continue  # the loader reports it
        if len(parts) == 4 and (parts[2] not in found or found[parts[2]][0] < version):
            found[parts[2]] = (version, path)
    return {name: path for name, (_, path) in found.items()}


def _api_name(file: str) -> str:
    return file.split("/")[2]


def _described(folder: Folder, file: str) -> ApiDescription:
    try:
        return ApiDescription(DocumentText(folder.files[file]).value)
    except DocumentUnreadable as error:
        raise ContractInvalid("", error.detail) from None
