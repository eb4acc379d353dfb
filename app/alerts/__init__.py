"""Alerts: rules about consecutive failures of a workflow, and what they fire.

checks.py records failures in the transaction that commits them. firing.py compares the rules (rules.py) with the
streaks (streaks.py) and writes alerts with their deliveries. app/alerts/delivery.py delivers, history.py lists.
"""
