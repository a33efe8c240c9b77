"""Refused rows become dead letters with their reason: visible, countable, and a person's decision."""

from __future__ import annotations

from interlock import Context, Flow

from estate.contracts.orders import RowsRefused

# continue: two refusals of one invoice have nothing to wait for in each other.
quarantine = Flow("quarantine", owner="team-storefront", after_dead_letter="continue")


@quarantine.on(RowsRefused)
async def reject_rows(refused: RowsRefused, ctx: Context) -> None:
    rows = ",".join(str(row) for row in refused.rows)
    units = f" units {refused.units}" if isinstance(refused.units, int) else ""
    ctx.reject(refused.reason, f"{refused.invoice} rows {rows}{units}")
