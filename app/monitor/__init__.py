"""What Runwatch says of itself: numbers for Prometheus (GET /metrics), and traces (docs/monitoring.md, docs/adr/0037).

Not app/metrics, which has the figures of what engines run.
"""
