"""A release that does not exist yet: the code of now, with one more migration. Also as a command, in place of
`interlock`: `python next_release.py up …`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from interlock.adapters.postgres import sql
from interlock.model.migration import Migration

NOW, NEXT = sql.FORMAT, sql.FORMAT + 1

# What a step that only adds may do at all, done to every table: what a release writes by position, or reads by `*`,
# fails on it.
EXPAND = """
DO $$ DECLARE found record; BEGIN
    FOR found IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() LOOP
        EXECUTE format('ALTER TABLE %I ADD COLUMN next_note text, ADD COLUMN next_sum bigint NOT NULL DEFAULT 7',
            found.tablename);
    END LOOP;
END $$;
CREATE TABLE next_table(id bigint PRIMARY KEY, note text);
CREATE INDEX next_index ON state(next_note) WHERE next_note IS NOT NULL;
"""


@contextmanager
def release(*migrations: Migration) -> Iterator[None]:
    """Within it, what looks at the format is of a release that has these migrations too."""
    try:
        for number, migration in enumerate(migrations, NOW):
            sql.MIGRATIONS[number] = migration
        sql.FORMAT = NOW + len(migrations)
        yield
    finally:
        for number in range(NOW, NOW + len(migrations)):
            del sql.MIGRATIONS[number]
        sql.FORMAT = NOW


if __name__ == "__main__":
    from interlock.cli.main import main

    with release(Migration(EXPAND)):
        sys.exit(main())
