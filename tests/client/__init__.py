"""Tests of the client; those with Celery run its workers as processes."""

CELERY_APP = "tests.client.celery_app"
