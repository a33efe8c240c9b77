"""All that an estate's Python imports."""
