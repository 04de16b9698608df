"""How a result shows itself: as text, as HTML in a notebook, and as a picture."""
