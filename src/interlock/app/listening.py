"""Why a port could not be had, for people."""

from __future__ import annotations

import os
import socket

from interlock.model.problems import SettingInvalid

_ANY = {"server.port": " (0 takes a free one)", "registry.port": ", or to 0 for none"}


def cannot_listen(host: str, port: int, setting: str, error: OSError | UnicodeError) -> SettingInvalid:
    """`setting` is the one to change. The name resolver numbers its errors by itself; all others have the system's
    text."""
    reason = str(error)
    if isinstance(error, OSError) and error.errno is not None:
        reason = str(error.strerror) if isinstance(error, socket.gaierror) else os.strerror(error.errno)
    return SettingInvalid(
        f"Cannot listen on {host}:{port}: {reason}.",
        next_step=f"Stop what listens there, or set {setting} to another port{_ANY.get(setting, '')}.",
    )
