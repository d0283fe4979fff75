"""The version, stated once: the build takes it from here."""

VERSION = "0.1.0"
