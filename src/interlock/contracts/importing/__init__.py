"""Contracts from documents of others: what they say in our standards, and a note for whatever cannot be said there."""
