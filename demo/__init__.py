"""The main job: real orders through the engine, with faults, and books that must agree at the end."""
