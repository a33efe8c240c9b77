"""The notice to a chat: Slack's format, and a chat that is down decides nothing."""

from __future__ import annotations

import pytest

from versions.conftest import optional

from .conftest import Chat, Repository


def test_the_chat_is_told(repository: Repository, chat: Chat) -> None:
    repository.shop.version("1.1.0", optional("a<b>&c"))
    code, _, err = repository.gate("--notify", chat.url)
    assert (code, err) == (0, "")
    [(kind, message)] = chat.got
    assert kind == "application/json"
    assert message["text"] == "Interlock gate: PASS: 1 contract changed, decision: not needed"
    assert all(block["type"] == "section" and block["text"]["type"] == "mrkdwn" for block in message["blocks"])
    assert "orders.OrderPlaced 1.0.0 → 1.1.0" in message["blocks"][1]["text"]["text"]
    assert "a&lt;b&gt;&amp;c" in message["blocks"][1]["text"]["text"]


def test_the_environment_names_the_chat_too(
    repository: Repository, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERLOCK_GATE_NOTIFY", chat.url)
    repository.gate()
    assert len(chat.got) == 1


@pytest.mark.parametrize("status", [500, 404, 302])
def test_a_chat_that_refuses_does_not_decide(repository: Repository, chat: Chat, status: int) -> None:
    chat.status = status
    code, out, err = repository.gate("--notify", chat.url)
    assert code == 0
    assert "PASS" in out
    assert "did not arrive" in err
    assert "token" not in err
    assert len(chat.got) == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "file:///etc/passwd", "nonsense"])
def test_a_chat_that_is_not_there_does_not_decide(repository: Repository, url: str) -> None:
    code, _, err = repository.gate("--notify", url)
    assert code == 0
    assert "The verdict stands." in err
