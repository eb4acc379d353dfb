"""Alerts: rules about runs, and what they fire.

Failures are recorded in the transaction that commits them (checks.py), and held against rules about streaks
(streaks.py) and error groups (groups.py) by firing.py. What no failing run is held against is looked at by a clock
(watching.py, readings.py). Both write alerts through raising.py, which tells of them by notices (notices.py): the
outbox delivers these (delivery.py) in the form of each channel (forms/). rules.py saves rules with their conditions
(conditions.py), channels (channels.py) and quiet hours; preview.py, proposals.py and testing.py let people try them;
history.py lists what fired.
"""
