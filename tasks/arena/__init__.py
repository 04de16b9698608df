"""What accounts of perpetuals did: trades with their plans, and how agents kept to these."""
