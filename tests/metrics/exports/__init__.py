"""Rows of data sets, as a service reads them and as a naive count has them."""
