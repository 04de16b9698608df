"""What snapshots are scored by where the hidden state is known: edges, skill, and their errors."""
