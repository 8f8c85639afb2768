"""Tests of the synthetic rally, its demo models and its noise."""
