"""Other tools' files in and out. Numbers are taken as they stand; what can't be known stays unknown."""
