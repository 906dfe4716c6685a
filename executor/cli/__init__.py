"""The command line: reads arguments, calls one operation, shows the value."""
