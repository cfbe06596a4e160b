"""The version of the release this process runs."""

from importlib.metadata import version

VERSION = version("tickettoken-analytics")
