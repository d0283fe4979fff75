"""Training: configuration, loss, schedule, loop."""
