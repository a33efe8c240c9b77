"""What an application imports to write events within its own SQL transactions.

from interlock.outbox import Outbox

No part of the engine is loaded, no connection is opened and nothing is committed here.
"""

from interlock.adapters.user_tables.outbox_sql import DEFAULT_TABLE, ddl
from interlock.outbox.outbox import Outbox
from interlock.outbox.statement import insert

__all__ = ["DEFAULT_TABLE", "Outbox", "ddl", "insert"]
