"""Questions asked of the record: why, the books, dead letters."""
