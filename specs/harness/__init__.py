"""What specs and tests share: servers, receivers, drivers, and ways to wait. Nothing of app/ is imported here."""
