"""What a suite will cost and show, before it is run."""
