"""Photos that lie anywhere, enhanced by one machine or by a Ray cluster."""
