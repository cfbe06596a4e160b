"""One command starts the whole platform on one machine, with embedded servers and nothing to install."""
