"""The page and the HTTP service: ``fivefold serve``."""
