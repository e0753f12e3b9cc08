"""How edits are judged: the protocol, its rubric, the images as sent, the reading of replies, and the judges."""
