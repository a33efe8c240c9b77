"""Subjects, versions, ids, compatibility and modes of schemas: what edge serves and govern asks."""
