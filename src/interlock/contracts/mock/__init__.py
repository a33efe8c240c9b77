"""A stand-in for the provider of a contract: pure decisions, no sockets."""
