"""Training models on corpora of Trading-R1: supervised, by rewards, and on what they wrote."""
