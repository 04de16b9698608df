"""A thesis with evidence that ends in a decision, and how one is read."""
