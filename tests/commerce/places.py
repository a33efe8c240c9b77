"""Where things are."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
ESTATE = ROOT / "estates" / "commerce"
UCI = ROOT.parent / "shared" / "data" / "online-retail"
