"""What leaves for other programs; only what needs torch imports it."""
