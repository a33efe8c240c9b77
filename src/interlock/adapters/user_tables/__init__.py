"""The outbox table in a user's own database: PostgreSQL, SQLite, MySQL or MariaDB.

Each driver is imported by the module of its dialect only, so that an estate needs those that it uses.
"""
