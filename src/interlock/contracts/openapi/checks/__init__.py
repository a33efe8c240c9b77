"""One family of checks a file: those of schemas take a Meeting, those of an API take two documents."""
