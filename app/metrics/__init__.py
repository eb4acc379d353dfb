"""Figures of executions in a window of their queuedAt: counts, durations, error groups (docs/adr/0014).

Written as deltas by what changes executions (deltas.py), folded into rollups (folding.py), read folded and unfolded
together (figures.py, workflows.py, error_groups.py), and recomputed when in doubt (rebuilding.py).
"""
