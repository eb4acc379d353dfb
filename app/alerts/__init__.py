"""Alerts: rules about consecutive failures of a workflow, and what they fire.

checks.py notes failures in the transaction that commits them; firing.py holds the rules (rules.py) against the streaks
(streaks.py) and writes alerts with their deliveries; app/alerts/delivery.py delivers; history.py lists.
"""
