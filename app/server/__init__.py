"""The server as a process: start-up, serving, worker processes, keys and the console."""
