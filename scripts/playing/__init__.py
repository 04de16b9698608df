"""``investorbench mcp``: an episode played over the Model Context Protocol, and recorded."""
