"""What each command does. app/cli.py declares the commands, and imports a module here when its command is run."""
