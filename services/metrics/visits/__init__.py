"""Visits: sessions on the venues' pages, the steps they take, and who is there now."""
