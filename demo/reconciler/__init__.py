"""Did the books come out right? Recomputed from the input file alone.

Imports neither the engine nor the estate nor the feeder: the rules of docs/explanation/commerce-rules.md are written
here a second time, in another way (integers of pennies and fractions instead of decimals), so that one mistake cannot
hide in both.
"""
