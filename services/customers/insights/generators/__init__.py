"""Generators: each looks for one kind of finding and hands over a candidate for every test that it makes."""
