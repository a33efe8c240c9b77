"""What JSON Schemas mean: validation, set inclusion, generation, and the difference of two of them."""
