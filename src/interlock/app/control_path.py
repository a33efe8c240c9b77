"""Where the control socket of a store is: the engine listens there, commands find it there."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

# sun_path of a Unix socket address holds 108 bytes on Linux, 104 on BSD, the closing zero included.
LONGEST_BYTES = 100


def control_path(store: Path) -> Path:
    """Beside the store; in a private folder under the system's temporary one when that path is too long."""
    beside = Path(f"{store}.control").absolute()
    if len(os.fsencode(beside)) <= LONGEST_BYTES:
        return beside
    folder = Path(tempfile.gettempdir()) / f"interlock-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"{hashlib.sha256(os.fsencode(beside)).hexdigest()[:24]}.control"
