"""Cohorts: customers who first bought in the same period, followed from then on."""
