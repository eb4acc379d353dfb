"""Figures of executions in a window of their queuedAt: counts, durations, error groups (docs/adr/0014).

Whatever changes executions writes deltas (deltas.py), folding.py folds them into rollups, figures.py, workflows.py and
error_groups.py read folded and unfolded together, and rebuilding.py recomputes when in doubt.
"""
