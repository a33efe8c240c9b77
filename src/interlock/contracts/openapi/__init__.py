"""The semantic difference of two OpenAPI documents: what it means for callers and readers of the old one."""
