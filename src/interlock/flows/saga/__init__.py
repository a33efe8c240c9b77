"""Sagas: runs that outlive processes. `play` runs their code, `journal` remembers, `driver` does both durably."""
