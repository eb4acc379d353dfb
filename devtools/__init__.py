"""What ./dev does. Only lock.py and paths.py run in the project's environment; the rest is standard library alone."""
