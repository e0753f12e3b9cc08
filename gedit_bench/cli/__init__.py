"""The command line: one file a verb, the options they share declared once."""
