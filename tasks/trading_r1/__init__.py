"""Trading-R1: labels, rewards of theses, and what is trained on them."""
