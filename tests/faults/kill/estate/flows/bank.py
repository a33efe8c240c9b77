"""Numbers each transfer: a request that ran twice would show as a number too many, and as another answer.

Accounts have a small overdraft, so that some transfers are refused; the refusal is an answer like any other.
"""

from typing import Any

from interlock import Answer, Context, Flow

from estate.contracts.ledger import TransferMade

OVERDRAFT = 1000

bank = Flow("bank", owner="team-faults")


@bank.api("bank.makeTransfer")
async def make_transfer(body: dict[str, Any], ctx: Context) -> Answer:
    number = (await ctx.get("sequence", "transfers") or 0) + 1
    ctx.put("sequence", "transfers", number)
    ctx.counter("balance", body["debit"]).take(body["amount"], floor=-OVERDRAFT)
    ctx.counter("balance", body["credit"]).add(body["amount"])
    ctx.emit(TransferMade(transfer_id=body["transfer_id"], number=number))
    return Answer({"transfer_id": body["transfer_id"], "number": number}, 201)


@bank.on(TransferMade)
async def count_transfer(transfer: TransferMade, ctx: Context) -> None:
    ctx.counter("totals", "transfers").add(1)
