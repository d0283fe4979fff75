"""How fast photos are enhanced on this machine, beside what else people use for it."""
