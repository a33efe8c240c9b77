"""Where the brokers are and who we are to them, in one string, as an environment variable holds it.

`host:port[,host:port…]`, or with credentials and TLS
`[plaintext|ssl|sasl_plaintext|sasl_ssl]://[user:password@]host:port[,host:port…][?name=value&…]`, where user and
password are percent-encoded and the names are those of librdkafka (CONFIGURATION.md) in `OPTIONS`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from interlock.model.problems import SettingInvalid

PROTOCOLS = ("plaintext", "ssl", "sasl_plaintext", "sasl_ssl")
OPTIONS = frozenset(
    {
        "sasl.mechanism",
        "ssl.ca.location",
        "ssl.certificate.location",
        "ssl.key.location",
        "ssl.key.password",
        "ssl.endpoint.identification.algorithm",
        "client.rack",
    }
)
_SERVER = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\]):\d{1,5}")


@dataclass(frozen=True, slots=True)
class Address:
    """`servers` may be shown; `settings` may hold a password and may not."""

    servers: str
    settings: dict[str, str]


def parse(text: str) -> Address:
    """SettingInvalid; the message holds nothing of the text, which may hold a password."""
    protocol, _, rest = text.strip().rpartition("://")
    rest, _, query = rest.partition("?")
    user, at, servers = rest.rpartition("@")
    protocol = protocol or "plaintext"
    if protocol not in PROTOCOLS:
        raise _wrong(f"begins with none of {', '.join(PROTOCOLS)}")
    if not all(_SERVER.fullmatch(server) for server in servers.split(",")):
        raise _wrong("names no brokers as host:port, separated by commas")
    if bool(at) != protocol.startswith("sasl_"):
        raise _wrong("has user and password without sasl_plaintext:// or sasl_ssl://, or the reverse")
    settings = {"security.protocol": protocol}
    if at:
        name, _, password = user.partition(":")
        settings |= {"sasl.mechanism": "PLAIN", "sasl.username": unquote(name), "sasl.password": unquote(password)}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in OPTIONS:
            raise _wrong(f"has an option that is none of {', '.join(sorted(OPTIONS))}")
        settings[name] = value
    return Address(servers, settings)


def _wrong(detail: str) -> SettingInvalid:
    return SettingInvalid(
        f"The address of the Kafka brokers {detail}.",
        next_step="Write host:9092, or sasl_ssl://user:password@host:9093?sasl.mechanism=SCRAM-SHA-512 "
        "in the variable that kafka.brokers names.",
    )
