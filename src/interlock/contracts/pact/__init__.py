"""Consumers' expectations in Pact files, specification 2 to 4: read, matched, held against a provider's contract."""
