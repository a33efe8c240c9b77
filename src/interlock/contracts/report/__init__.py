"""What was found, in the formats that people and build servers read: one mechanism for every command."""
